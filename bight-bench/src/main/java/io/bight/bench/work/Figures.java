// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one process has measured, in the order in which it is shown. A name ends with its unit. As
 * text it is a line of JSON.
 */
public final class Figures {
  private static final Pattern FIGURE = Pattern.compile("\"([A-Za-z0-9_]+)\":(-?[0-9.]+)");

  private final Map<String, Double> values = new LinkedHashMap<>();

  public Figures put(String name, double value) {
    values.put(name, value);
    return this;
  }

  public Map<String, Double> values() {
    return values;
  }

  /** A figure that is known to be there. */
  public double get(String name) {
    Double value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("There is no " + name + " in " + this);
    }
    return value;
  }

  /** Reads a line that {@link #toString} has written. */
  public static Figures parse(String line) {
    Figures figures = new Figures();
    Matcher matcher = FIGURE.matcher(line);
    while (matcher.find()) {
      figures.put(matcher.group(1), Double.parseDouble(matcher.group(2)));
    }
    return figures;
  }

  @Override
  public String toString() {
    StringBuilder json = new StringBuilder("{");
    values.forEach(
        (name, value) -> {
          json.append(json.length() == 1 ? "" : ",").append('"').append(name).append("\":");
          json.append(number(value));
        });
    return json.append('}').toString();
  }

  /** With at most three decimals, and without an exponent. */
  public static String number(double value) {
    String text = String.format(Locale.ROOT, "%.3f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }
}
