// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The public API hides Netty and what is internal; few classes know that there is a channel. */
@AnalyzeClasses(packages = "io.bight.client", importOptions = DoNotIncludeTests.class)
class DirectionsTest {
  private static final int CLASSES_THAT_MAY_KNOW_CHANNELS = 10;

  @ArchTest
  static final ArchRule publicSignaturesNameNoNettyAndNoInternalType =
      classes()
          .that()
          .resideInAPackage("io.bight.client")
          .should(nameInPublicOnlyWhatUsersMaySee());

  @ArchTest
  static final ArchRule clientKnowsNoTestkitBrokerOrCommandLine =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.bight.testkit..",
              "io.bight.broker..",
              "io.bight.cli..",
              "io.bight.examples..",
              "com.hivemq..");

  // There may be no packages below internal, so this rule alone may find nothing to check.
  @ArchTest
  static final ArchRule internalPackagesHaveNoCycles =
      slices()
          .matching("io.bight.client.internal.(*)..")
          .should()
          .beFreeOfCycles()
          .allowEmptyShould(true);

  @ArchTest
  static void onlyAHandfulOfClassesKnowChannels(JavaClasses client) {
    Set<String> names = new TreeSet<>();
    for (JavaClass type : client) {
      if (type.getDirectDependenciesFromSelf().stream()
          .anyMatch(on -> on.getTargetClass().getPackageName().startsWith("io.netty.channel"))) {
        names.add(type.getName().replaceFirst("\\$.*", ""));
      }
    }
    assertThat(names).hasSizeLessThanOrEqualTo(CLASSES_THAT_MAY_KNOW_CHANNELS);
  }

  private static ArchCondition<JavaClass> nameInPublicOnlyWhatUsersMaySee() {
    return new ArchCondition<>("name in public signatures only what users may see") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        if (!isVisible(type.getModifiers())) {
          return;
        }
        Stream<JavaType> parents =
            Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream());
        parents.forEach(parent -> checkType(type, type.getName(), parent, events));
        for (JavaMember member : type.getMembers()) {
          if (isVisible(member.getModifiers())) {
            // Includes parameters, result, exceptions and type arguments.
            for (JavaType named : signatureOf(member)) {
              checkType(type, member.getFullName(), named, events);
            }
          }
        }
      }
    };
  }

  private static Set<JavaType> signatureOf(JavaMember member) {
    Set<JavaType> types = member.getAllInvolvedRawTypes().stream().collect(Collectors.toSet());
    if (member instanceof com.tngtech.archunit.core.domain.JavaCodeUnit codeUnit) {
      types.addAll(codeUnit.getExceptionTypes());
    }
    return types;
  }

  private static void checkType(
      JavaClass owner, String where, JavaType named, ConditionEvents events) {
    for (JavaClass raw : named.getAllInvolvedRawTypes()) {
      String packageName = raw.getPackageName();
      if (packageName.startsWith("io.netty") || packageName.contains(".internal")) {
        events.add(SimpleConditionEvent.violated(owner, where + " names " + raw.getName()));
      }
    }
  }

  private static boolean isVisible(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }
}
