// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

/** Which topics a filter means (MQTT 5.0, section 4.7), and the parts of a shared one. */
final class TopicFilterMatch {
  private TopicFilterMatch() {}

  static boolean matches(String filter, String topic) {
    if (topic.startsWith("$") && (filter.startsWith("#") || filter.startsWith("+"))) {
      return false; // [MQTT-4.7.2-1]
    }
    String[] filterLevels = filter.split("/", -1);
    String[] topicLevels = topic.split("/", -1);
    for (int level = 0; level < filterLevels.length; level++) {
      if (filterLevels[level].equals("#")) {
        return true;
      }
      if (level >= topicLevels.length
          || !(filterLevels[level].equals("+") || filterLevels[level].equals(topicLevels[level]))) {
        return false;
      }
    }
    return filterLevels.length == topicLevels.length;
  }

  static boolean isShared(String filter) {
    return filter.startsWith("$share/");
  }

  /** {@code $share/group/a/b} means {@code a/b}. */
  static String withoutShare(String filter) {
    return isShared(filter)
        ? filter.substring(filter.indexOf('/', "$share/".length()) + 1)
        : filter;
  }
}
