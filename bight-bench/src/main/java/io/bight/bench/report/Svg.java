// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.peer.PeerName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A comparison as a picture: a bar for each peer with the range of its rounds, a panel for each
 * figure that matters; or lines where the work is done at several points.
 */
final class Svg {
  private static final int WIDTH = 860;
  private static final int LABELS = 130;
  private static final int VALUES = 190;
  private static final int ROW = 26;
  private static final int CURVE_HEIGHT = 380;
  private static final String BIGHT_COLOUR = "#0b7285";
  private static final String LIMIT_COLOUR = "#adb5bd";
  private static final List<String> PEER_COLOURS =
      List.of("#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#846358", "#1864ab", "#868e96");
  private static final List<String> PANELS =
      List.of(
          "cpu_nanos_per_message",
          "allocated_bytes_per_message",
          "p99_micros",
          "p999_micros",
          "cpu_millis",
          "connect_warm_cpu_seconds",
          "connect_seconds",
          "heap_bytes_per_connection",
          "resident_kibibytes_per_connection",
          "idle_cpu_percent");

  private final StringBuilder body = new StringBuilder();
  private final Comparison comparison;
  private int y;

  private Svg(Comparison comparison) {
    this.comparison = comparison;
  }

  static String of(Comparison comparison, Map<String, String> machine) {
    Svg svg = new Svg(comparison);
    svg.heading(machine);
    if (comparison.work().isCurve()) {
      svg.curve(comparison.work().mainFigure());
    } else {
      svg.panel(comparison.work().mainFigure());
      for (String figure : PANELS) {
        if (comparison.series().stream().anyMatch(each -> each.has(figure))
            && !figure.equals(comparison.work().mainFigure())) {
          svg.panel(figure);
        }
      }
    }
    return String.format(
        Locale.ROOT,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%1$d\" height=\"%2$d\" viewBox=\"0 0"
            + " %1$d %2$d\" font-family=\"sans-serif\" font-size=\"13\">%n<rect width=\"100%%\""
            + " height=\"100%%\" fill=\"white\"/>%n%3$s</svg>%n",
        WIDTH,
        svg.y + 10,
        svg.body);
  }

  private void heading(Map<String, String> machine) {
    y = 28;
    String title = comparison.work().text() + ": " + comparison.work().description();
    text(12, y, "start", title, "font-size=\"16\" font-weight=\"bold\"");
    y += 20;
    String where =
        comparison.payloadBytes()
            + " B payload, medians, with the range of the rounds. "
            + machine.getOrDefault("date", "")
            + ", "
            + machine.getOrDefault("processor", "")
            + ", "
            + machine.getOrDefault("java", "");
    text(12, y, "start", where, "font-size=\"11\" fill=\"#495057\"");
    y += 10;
  }

  private void panel(String figure) {
    List<Series> shown = comparison.series().stream().filter(each -> each.has(figure)).toList();
    double most = shown.stream().mapToDouble(each -> each.max(figure)).max().orElse(1);
    // The limit that no client reaches would leave the clients' bars a pixel wide.
    double mostOfClients =
        shown.stream()
            .filter(each -> !PeerName.of(each.peer()).isRaw())
            .mapToDouble(each -> each.max(figure))
            .max()
            .orElse(most);
    double end = Math.max(Math.min(most, 2 * mostOfClients), 1e-9);
    double scale = (WIDTH - LABELS - VALUES) / end;
    y += 26;
    String better = Comparison.isMoreBetter(figure) ? "more is better" : "less is better";
    text(12, y, "start", figure + " (" + better + ")", "font-weight=\"bold\"");
    y += 8;
    for (Series each : shown) {
      double median = each.median(figure);
      double from = LABELS + Math.max(0, Math.min(each.min(figure), end)) * scale;
      double to = LABELS + Math.max(0, Math.min(each.max(figure), end)) * scale;
      double width = Math.max(1, Math.min(Math.max(median, 0), end) * scale);
      int middle = y + ROW / 2;
      text(LABELS - 8, middle + 4, "end", each.peer(), "");
      line(
          "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>",
          LABELS, y + 4, width, ROW - 8, colour(each.peer()));
      line(
          "<path d=\"M%.1f %d V%d M%.1f %d H%.1f M%.1f %d V%d\" stroke=\"#212529\" fill=\"none\"/>",
          from, middle - 5, middle + 5, from, middle, to, to, middle - 5, middle + 5);
      String value =
          Table.readable(median)
              + " ("
              + Table.readable(each.min(figure))
              + " to "
              + Table.readable(each.max(figure))
              + ")"
              + (each.max(figure) > end ? " →" : "");
      text(Math.max(LABELS + width, to) + 8, middle + 4, "start", value, "");
      y += ROW;
    }
  }

  private void curve(String figure) {
    List<Integer> points = comparison.points();
    double most =
        comparison.series().stream().mapToDouble(each -> each.max(figure)).max().orElse(1);
    int top = y + 40;
    int bottom = top + CURVE_HEIGHT;
    double step = (WIDTH - LABELS - VALUES) / (double) Math.max(1, points.size() - 1);
    text(12, y + 22, "start", figure + " (less is better)", "font-weight=\"bold\"");
    for (int i = 0; i <= 4; i++) {
      double at = bottom - CURVE_HEIGHT * i / 4.0;
      line("<path d=\"M%d %.1f H%d\" stroke=\"#dee2e6\"/>", LABELS, at, WIDTH - VALUES);
      text(LABELS - 8, at + 4, "end", Table.readable(most * i / 4), "");
    }
    for (int i = 0; i < points.size(); i++) {
      text(LABELS + i * step, bottom + 20, "middle", String.valueOf(points.get(i)), "");
    }
    List<String> peers = comparison.series().stream().map(Series::peer).distinct().toList();
    for (String peer : peers) {
      List<String> path = new ArrayList<>();
      double lastX = LABELS;
      double lastY = bottom;
      for (int i = 0; i < points.size(); i++) {
        Series each = comparison.find(peer, points.get(i)).orElse(null);
        if (each == null || !each.has(figure)) {
          continue;
        }
        lastX = LABELS + i * step;
        lastY = bottom - CURVE_HEIGHT * each.median(figure) / most;
        path.add(String.format(Locale.ROOT, "%.1f %.1f", lastX, lastY));
        line(
            "<path d=\"M%.1f %.1f V%.1f\" stroke=\"%s\"/>",
            lastX,
            bottom - CURVE_HEIGHT * each.min(figure) / most,
            bottom - CURVE_HEIGHT * each.max(figure) / most,
            colour(peer));
      }
      line(
          "<path d=\"M%s\" stroke=\"%s\" stroke-width=\"2\" fill=\"none\"/>",
          String.join(" L", path), colour(peer));
      text(lastX + 8, lastY + 4, "start", peer, "fill=\"" + colour(peer) + "\"");
    }
    y = bottom + 30;
  }

  private static String colour(String peer) {
    PeerName name = PeerName.of(peer);
    if (name.isBight()) {
      return BIGHT_COLOUR;
    }
    return name.isRaw()
        ? LIMIT_COLOUR
        : PEER_COLOURS.get(List.of(PeerName.values()).indexOf(name) % PEER_COLOURS.size());
  }

  private void line(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private void text(double x, double at, String anchor, String value, String style) {
    String escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    line(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>%s</text>",
        x, at, anchor, style, escaped);
  }
}
