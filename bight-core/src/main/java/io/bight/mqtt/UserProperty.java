// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import java.util.Objects;

/**
 * A name and value of the application's own [MQTT 5.0, section 1.5.7]. A packet may carry the same
 * name several times; the order is kept.
 *
 * @param name the name
 * @param value the value
 */
public record UserProperty(String name, String value) {
  /**
   * Makes a user property.
   *
   * @param name the name
   * @param value the value
   * @throws NullPointerException if the name or the value is null
   */
  public UserProperty {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
  }
}
