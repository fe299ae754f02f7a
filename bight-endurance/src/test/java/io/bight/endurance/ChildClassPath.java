// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.endurance;

import io.bight.testkit.ScriptedServer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * What the children are started with, so that a life of half a second is not mostly spent on
 * starting: jars only, and an archive of their loaded classes (class data sharing). Made once for
 * each run of the tests.
 */
final class ChildClassPath {
  private static final List<String> NEEDED =
      List.of(
          "bight-endurance",
          "bight-client",
          "bight-core",
          "bight-store",
          "netty-",
          "slf4j-",
          "h2-mvstore");
  private static final Path FOLDER = Path.of("target", "children").toAbsolutePath();
  private static final List<String> OPTIONS = prepare();

  private ChildClassPath() {}

  /** Returns the command that runs a program, without its arguments. */
  static List<String> command(Class<?> program) {
    List<String> command = new ArrayList<>(OPTIONS);
    command.add(program.getName());
    return command;
  }

  private static List<String> prepare() {
    try {
      Files.createDirectories(FOLDER);
      List<String> jars = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
        Path path = Path.of(entry);
        if (NEEDED.stream().anyMatch(entry::contains) && Files.exists(path)) {
          jars.add(Files.isDirectory(path) ? jarOf(path).toString() : entry);
        }
      }
      Path archive = FOLDER.resolve("classes.jsa");
      List<String> options = new ArrayList<>();
      options.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      options.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"));
      options.addAll(List.of("-Xlog:disable", "-Xlog:all=off", "-Xshare:auto"));
      List<String> classPath = List.of("-cp", String.join(java.io.File.pathSeparator, jars));

      List<String> toArchive = new ArrayList<>(options);
      toArchive.add("-XX:ArchiveClassesAtExit=" + archive);
      toArchive.addAll(classPath);
      Files.deleteIfExists(archive);
      Path folder = Files.createTempDirectory(FOLDER, "rehearsal");
      try (ScriptedServer server = ScriptedServer.behavingBroker()) {
        toArchive.add(Rehearsal.class.getName());
        toArchive.addAll(List.of(server.uri().toString(), folder.toString()));
        run(toArchive);
      }
      options.add("-XX:SharedArchiveFile=" + archive);
      options.addAll(classPath);
      return List.copyOf(options);
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("Cannot prepare the children's class path", e);
    }
  }

  /** The classes of a module that is not packed yet; the archive wants jars. */
  private static Path jarOf(Path folder) throws IOException {
    Path jar =
        FOLDER.resolve(folder.toString().replaceAll("^.*(bight-[a-z]+).*?([a-z-]+)$", "$1-$2.jar"));
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        entries.putNextEntry(new JarEntry(folder.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, entries);
        entries.closeEntry();
      }
    }
    return jar;
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    Path output = FOLDER.resolve("rehearsal.out");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();
    if (!ended || process.exitValue() != 0) {
      throw new IllegalStateException("The rehearsal failed:\n" + Files.readString(output));
    }
  }
}
