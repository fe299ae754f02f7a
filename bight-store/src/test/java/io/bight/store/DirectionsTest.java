// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * The store knows the engine's words for a session, and its database stays behind three classes.
 */
@AnalyzeClasses(packages = "io.bight.store", importOptions = DoNotIncludeTests.class)
class DirectionsTest {
  @ArchTest
  static final ArchRule storeKnowsNoClientAndNoCodec =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.bight.client..",
              "io.bight.mqtt.codec..",
              "io.bight.testkit..",
              "io.bight.broker..",
              "io.netty..");

  @ArchTest
  static final ArchRule threeClassesKnowTheDatabase =
      noClasses()
          .that()
          .doNotHaveSimpleName("SessionDatabase")
          .and()
          .doNotHaveSimpleName("BlockStore")
          .and()
          .doNotHaveSimpleName("Buffers")
          .should()
          .dependOnClassesThat(resideInAPackage("org.h2.."));
}
