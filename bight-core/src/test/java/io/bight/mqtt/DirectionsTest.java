// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;
import java.util.Timer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/** Values, packets, codec, engine: each knows those before it, and none knows the outside world. */
@AnalyzeClasses(packages = "io.bight.mqtt", importOptions = DoNotIncludeTests.class)
class DirectionsTest {
  @ArchTest
  static final ArchRule valuesKnowOnlyValues =
      noClasses()
          .that()
          .resideInAPackage("io.bight.mqtt")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.bight.mqtt.packet..", "io.bight.mqtt.codec..", "io.bight.mqtt.engine..");

  @ArchTest
  static final ArchRule packetsDoNotKnowCodecAndEngine =
      noClasses()
          .that()
          .resideInAPackage("io.bight.mqtt.packet..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.bight.mqtt.codec..", "io.bight.mqtt.engine..");

  @ArchTest
  static final ArchRule codecDoesNotKnowEngine =
      noClasses()
          .that()
          .resideInAPackage("io.bight.mqtt.codec..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.bight.mqtt.engine..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("io.bight.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule coreHasNoSocketFileLockOrLogger =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                  "java.net..",
                  "javax.net..",
                  "java.nio.channels..",
                  "java.nio.file..",
                  "java.util.concurrent.locks..",
                  "java.util.logging..",
                  "java.lang.reflect..",
                  "org.slf4j.."))
          .orShould()
          .dependOnClassesThat()
          .haveNameMatching("java\\.io\\.(File|RandomAccessFile|Console).*");

  @ArchTest
  static final ArchRule coreHasNoThreadOrExecutor =
      noClasses()
          .should()
          .dependOnClassesThat(
              assignableTo(Thread.class)
                  .or(assignableTo(ThreadLocal.class))
                  .or(assignableTo(Timer.class))
                  .or(assignableTo(Executor.class))
                  .or(assignableTo(CompletionStage.class)));

  @ArchTest
  static final ArchRule coreIsToldTheTime =
      noClasses()
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Instant.class, "now")
          .orShould()
          .dependOnClassesThat(assignableTo(Clock.class));

  @ArchTest
  static final ArchRule coreUsesNettysBuffersOnly =
      noClasses()
          .should()
          .dependOnClassesThat(
              resideInAPackage("io.netty..")
                  .and(not(resideInAnyPackage("io.netty.buffer", "io.netty.util"))));
}
