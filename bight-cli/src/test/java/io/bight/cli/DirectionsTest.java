// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The command line is a user like any other: it sees the public API only. */
@AnalyzeClasses(packages = "io.bight.cli", importOptions = DoNotIncludeTests.class)
class DirectionsTest {
  @ArchTest
  static final ArchRule usesThePublicApiOnly =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.bight.client.internal..",
              "io.bight.broker.internal..",
              "io.bight.broker.hivemq..",
              "io.bight.mqtt.codec..",
              "io.bight.testkit..",
              "io.netty..",
              "com.hivemq..");
}
