// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A wrong value: one line that names it and the remedy, status 2, no stack trace. */
class WrongArgumentsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          pub -L ftp://host/t -m x            | ftp                  | mqtt://
          pub -L mqtt://host:99999/t -m x     | 99999                | 1 to 65535
          pub -L http:// -m x -t a            | http                 | mqtt://
          pub -p 99999 -t a -m x              | 99999                | 1 to 65535
          pub -p 0 -t a -m x                  | 0                    | 1 to 65535
          pub -p abc -t a -m x                | abc                  | whole number
          pub -h bad/host -t a -m x           | bad/host             | a name or an address
          pub -h bight.invalid -t a -m x      | bight.invalid        | check its name
          pub -t a/# -m x                     | a/#                  | one topic
          pub -t a                            | no message           | -m TEXT
          pub -t a -m x -n                    | more than one        | one of
          pub -m x                            | no topic             | -t TOPIC
          pub -t a -m x -q 3                  | -q 3                 | 0, 1 or 2
          pub -t a -m x -q two                | two                  | whole number
          pub -t a -m x -V 4                  | -V 4                 | mqttv311
          pub -t a -m x -k 70000              | -k 70000             | 65535
          pub -t a -m x -x 5                  | -x 5                 | -V mqttv5
          pub -t a -m x -c                    | -c                   | -i ID
          pub -t a -m x -P secret             | -P                   | -u NAME
          pub -t a -m x -i a -I b             | -i and -I            | one of them
          pub -t a -f no-such-file            | no-such-file         | check the name
          pub -t a -m x --repeat 0            | 0                    | 1 or more
          pub -t a -m x --colour              | --colour             | --help
          pub -t a -m two words               | words                | quotes
          sub -t a/#/b                        | a/#/b                | comes last
          sub -t a+                           | a+                   | whole level
          sub                                 | no topic filter      | -t FILTER
          sub -t a -T b#                      | b#                   | comes last
          sub -t a -C 0                       | -C 0                 | 1 or more
          sub -t a -W 0                       | -W 0                 | 1 or more
          sub -t a -F %y                      | %y                   | %t
          broker --port 70000                 | 70000                | 65535
          demo --seconds 1                    | 1                    | 2 or more
          demo --seconds 5 --forever          | --forever            | one of them
          demo --server ftp://host            | ftp                  | mqtt://
          subscribe -t a                      | subscribe            | sub
          --verbose                           | --verbose            | --help
          """)
  void isNamedWithItsRemedy(String commandLine, String value, String remedy) {
    CommandRun run = CommandRun.of(commandLine.split(" +"));

    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(value).contains(remedy).doesNotContain("\tat ");
    assertThat(run.out()).isEmpty();
    assertThat(run.status()).isEqualTo(2);
  }

  @Test
  void isNamedForAClientIdentifierThatIsTooLong() {
    CommandRun run = CommandRun.of("pub", "-t", "a", "-m", "x", "-i", "i".repeat(65_536));

    assertThat(run.err()).contains("client identifier").contains("65535");
    assertThat(run.status()).isEqualTo(2);
  }

  @Test
  void isShownWithItsStackWhereThatIsAskedFor() {
    CommandRun run = CommandRun.of("pub", "--debug", "-t", "a/#", "-m", "x");

    assertThat(run.err()).contains("\tat io.bight.");
    assertThat(run.status()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"demo", "pub", "sub", "broker"})
  void areNoneWithHelpWhichHasExamples(String command) {
    CommandRun run = CommandRun.of(command, "--help");

    assertThat(run.out()).contains("Usage: bight " + command).contains("Examples:");
    assertThat(run.status()).isZero();
  }

  @Test
  void areNoneWithVersion() {
    CommandRun run = CommandRun.of("--version");

    assertThat(run.out()).containsPattern("^bight \\d+\\.\\d+\\.\\d+");
    assertThat(run.status()).isZero();
  }

  @Test
  void areNoneAtAllWithoutArguments() {
    CommandRun run = CommandRun.of();

    assertThat(run.out()).contains("demo").contains("pub").contains("sub").contains("broker");
    assertThat(run.status()).isZero();
  }
}
