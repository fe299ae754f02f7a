// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import io.bight.client.Message;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** How a message is printed: a format in Mosquitto's letters, taken apart once. Immutable. */
final class MessageFormat {
  private static final DateTimeFormatter ISO_8601 =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxx", Locale.ROOT);

  private interface Part {
    byte[] of(Message message);
  }

  private final List<Part> parts;

  private MessageFormat(List<Part> parts) {
    this.parts = parts;
  }

  /**
   * Takes a format apart.
   *
   * @throws IllegalArgumentException if a sequence is not known
   */
  static MessageFormat parse(String format) {
    List<Part> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i++);
      if (c != '%' && c != '\\') {
        literal.append(c);
        continue;
      }
      char letter = i < format.length() ? format.charAt(i++) : ' ';
      if (c == '\\') {
        literal.append(escaped(letter, format));
      } else if (letter == '%') {
        literal.append('%');
      } else {
        addLiteral(parts, literal);
        parts.add(part(letter, format));
      }
    }
    addLiteral(parts, literal);
    return new MessageFormat(List.copyOf(parts));
  }

  private static void addLiteral(List<Part> parts, StringBuilder literal) {
    if (literal.length() > 0) {
      byte[] bytes = text(literal.toString());
      parts.add(message -> bytes);
      literal.setLength(0);
    }
  }

  private static char escaped(char letter, String format) {
    return switch (letter) {
      case 'n' -> '\n';
      case 't' -> '\t';
      case 'r' -> '\r';
      case '0' -> '\0';
      case '\\' -> '\\';
      default -> throw unknown("\\" + letter, format);
    };
  }

  private static Part part(char letter, String format) {
    return switch (letter) {
      case 't' -> message -> text(message.topic());
      case 'p' -> Message::payloadBytes;
      case 'x' -> message -> text(HexFormat.of().formatHex(message.payloadBytes()));
      case 'X' -> message -> text(HexFormat.of().withUpperCase().formatHex(message.payloadBytes()));
      case 'l' -> message -> text(String.valueOf(message.payload().remaining()));
      case 'q' -> message -> text(String.valueOf(message.qos().code()));
      case 'r' -> message -> text(message.isRetained() ? "1" : "0");
      case 'm' -> message -> text(String.valueOf(message.packetIdentifier()));
      case 'I' ->
          message ->
              text(
                  ISO_8601.format(
                      OffsetDateTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS)));
      case 'U' -> message -> text(secondsSince1970());
      default -> throw unknown("%" + letter, format);
    };
  }

  private static String secondsSince1970() {
    Instant now = Instant.now();
    return String.format(Locale.ROOT, "%d.%09d", now.getEpochSecond(), now.getNano());
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static IllegalArgumentException unknown(String sequence, String format) {
    return new IllegalArgumentException(
        "'"
            + sequence
            + "' in the format '"
            + format
            + "' is not known; known are %t %p %x %X %l %q %r %m %I %U %% \\n \\t \\r \\0 \\\\");
  }

  void write(Message message, OutputStream out) throws IOException {
    for (Part part : parts) {
      out.write(part.of(message));
    }
  }
}
