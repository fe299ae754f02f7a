// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the normative statements that a test proves; docs/conformance.md is made from it. The two
 * versions number their statements differently, so each has a list of its own.
 *
 * <p>On a class it holds for the class as a whole.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
public @interface Normative {
  /** Statements of MQTT 3.1.1, without "MQTT-": {@code "4.3.2-1"}. */
  String[] v311() default {};

  /** Statements of MQTT 5.0, without "MQTT-". */
  String[] v5() default {};
}
