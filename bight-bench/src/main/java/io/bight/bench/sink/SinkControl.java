// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.sink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** What a program that measures says to the sink: each command is a line, and so is the answer. */
public final class SinkControl implements AutoCloseable {
  private final Socket socket;
  private final BufferedReader answers;

  public SinkControl(int controlPort) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), controlPort);
    socket.setTcpNoDelay(true);
    answers =
        new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
  }

  /** What the sink has seen since it started, its CPU time, and its clock. */
  public Map<String, Long> counts() throws IOException {
    return ask("counts");
  }

  /** Floods each client with the last filter that it has subscribed to. */
  public void flood() throws IOException {
    ask("flood");
  }

  /** Ends the floods. What was begun is still written. */
  public void stop() throws IOException {
    ask("stop");
  }

  /** Closes the clients' sockets, without DISCONNECT. */
  public void closeClients() throws IOException {
    ask("close");
  }

  private Map<String, Long> ask(String command) throws IOException {
    socket.getOutputStream().write((command + "\n").getBytes(StandardCharsets.US_ASCII));
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("The sink has ended.");
    }
    Map<String, Long> values = new HashMap<>();
    for (String part : answer.split(" ", -1)) {
      int equals = part.indexOf('=');
      values.put(part.substring(0, equals), Long.valueOf(part.substring(equals + 1)));
    }
    return values;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
