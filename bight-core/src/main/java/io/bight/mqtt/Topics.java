// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

/**
 * Topic names and topic filters: what the specification allows, and which name a filter matches
 * [MQTT 5.0, section 4.7].
 */
public final class Topics {
  private static final String SHARE = "$share/";
  private static final int MAXIMUM_BYTES = 65_535;

  private Topics() {}

  /**
   * Checks a topic name as it stands in PUBLISH.
   *
   * @param topic the topic name
   * @return the same topic name
   * @throws IllegalArgumentException if it is empty, has a wildcard [MQTT-4.7.1-1], holds U+0000 or
   *     half a surrogate pair, or is longer than 65,535 bytes in UTF-8
   */
  public static String requireName(String topic) {
    if (isPlain(topic)) {
      return topic; // as most are, and one is checked for each message
    }
    requireText(topic, "topic name");
    for (int i = 0; i < topic.length(); i++) {
      char c = topic.charAt(i);
      if (c == '+' || c == '#') {
        throw new IllegalArgumentException(
            "topic name '"
                + topic
                + "' has the wildcard '"
                + c
                + "'; wildcards are for subscribing, publish to one topic");
      }
    }
    return topic;
  }

  /** Tells whether a topic name is not too long and of ASCII characters that are all allowed. */
  private static boolean isPlain(String topic) {
    int length = topic.length();
    if (length == 0 || length > MAXIMUM_BYTES) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      char c = topic.charAt(i);
      if (c == 0 || c >= 0x80 || c == '+' || c == '#') {
        return false;
      }
    }
    return true;
  }

  /**
   * Checks a topic filter as it stands in SUBSCRIBE, shared subscriptions included.
   *
   * @param topicFilter the topic filter
   * @return the same topic filter
   * @throws IllegalArgumentException if it is empty, has a wildcard in a wrong place
   *     [MQTT-4.7.1-1], [MQTT-4.7.1-2], has a wrong share name [MQTT-4.8.2-1], holds U+0000 or half
   *     a surrogate pair, or is longer than 65,535 bytes in UTF-8
   */
  public static String requireFilter(String topicFilter) {
    requireText(topicFilter, "topic filter");
    String filter = topicFilter;
    if (topicFilter.startsWith(SHARE)) {
      int slash = topicFilter.indexOf('/', SHARE.length());
      String shareName = slash < 0 ? "" : topicFilter.substring(SHARE.length(), slash);
      filter = slash < 0 ? "" : topicFilter.substring(slash + 1);
      if (shareName.isEmpty() || filter.isEmpty() || containsWildcard(shareName)) {
        throw new IllegalArgumentException(
            "shared topic filter '"
                + topicFilter
                + "' is not of the form $share/NAME/FILTER with a name free of '/', '+' and '#'");
      }
    }
    requireWildcardsWhole(filter, topicFilter);
    return topicFilter;
  }

  /**
   * Tells whether a topic filter is a shared subscription [MQTT 5.0, section 4.8.2].
   *
   * @param topicFilter the topic filter
   * @return true if it begins with {@code $share/}
   */
  public static boolean isShared(String topicFilter) {
    return topicFilter.startsWith(SHARE);
  }

  /**
   * Returns what a shared subscription filters by: {@code a/+} for {@code $share/group/a/+}.
   *
   * @param topicFilter the topic filter
   * @return the filter behind the share name, or the filter itself if it is not shared
   */
  public static String withoutShare(String topicFilter) {
    if (!isShared(topicFilter)) {
      return topicFilter;
    }
    int slash = topicFilter.indexOf('/', SHARE.length());
    return slash < 0 ? topicFilter : topicFilter.substring(slash + 1);
  }

  /**
   * Tells whether a text holds a wildcard character.
   *
   * @param text a topic name or filter
   * @return true if it has {@code +} or {@code #}
   */
  public static boolean containsWildcard(String text) {
    return text.indexOf('+') >= 0 || text.indexOf('#') >= 0;
  }

  /**
   * Tells whether a topic filter matches a topic name. A wildcard at the first level does not match
   * names that begin with {@code $} [MQTT-4.7.2-1].
   *
   * @param topicFilter a valid topic filter; a share name is passed over
   * @param topic a valid topic name
   * @return true if it matches
   */
  public static boolean matches(String topicFilter, String topic) {
    String filter = withoutShare(topicFilter);
    if (topic.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"))) {
      return false;
    }
    int f = 0;
    int t = 0;
    while (f < filter.length()) {
      char c = filter.charAt(f);
      if (c == '#') {
        return true;
      }
      if (c == '+') {
        while (t < topic.length() && topic.charAt(t) != '/') {
          t++;
        }
        f++;
      } else if (t < topic.length() && topic.charAt(t) == c) {
        f++;
        t++;
      } else {
        // "a/#" matches its parent "a" too [MQTT 5.0, section 4.7.1.2].
        return t == topic.length() && f == filter.length() - 2 && filter.endsWith("/#");
      }
    }
    return t == topic.length();
  }

  private static void requireWildcardsWhole(String filter, String whole) {
    for (int i = 0; i < filter.length(); i++) {
      char c = filter.charAt(i);
      if (c != '+' && c != '#') {
        continue;
      }
      boolean startsLevel = i == 0 || filter.charAt(i - 1) == '/';
      boolean last = i == filter.length() - 1;
      boolean endsLevel = last || (c == '+' && filter.charAt(i + 1) == '/');
      if (!startsLevel || !endsLevel) {
        throw new IllegalArgumentException(
            "topic filter '"
                + whole
                + "' has '"
                + c
                + "' in a wrong place; "
                + (c == '+'
                    ? "'+' stands for a whole level, as in a/+/c"
                    : "'#' stands for all that follows and comes last, as in a/#"));
      }
    }
  }

  private static void requireText(String text, String what) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException(what + " is empty; it needs at least one character");
    }
    // A character takes three bytes at most, a surrogate pair four for two.
    if (text.length() > MAXIMUM_BYTES / 3 && Utf8.encodedLength(text) > MAXIMUM_BYTES) {
      throw new IllegalArgumentException(
          what + " is longer than 65535 bytes: '" + text.substring(0, 40) + "...'");
    }
    Utf8.requireWellFormed(text, what);
  }
}
