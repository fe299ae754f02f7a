// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * The folder one broker keeps its files in. It lasts from the first start to {@code close}; a
 * temporary one is deleted then.
 *
 * @param path the folder
 * @param temporary whether it goes with the broker
 */
record BrokerFolder(Path path, boolean temporary) {

  static BrokerFolder createTemporary() {
    try {
      return new BrokerFolder(Files.createTempDirectory("bight-broker-"), true).prepare();
    } catch (IOException e) {
      throw new BrokerException(
          "No temporary folder for the broker below "
              + System.getProperty("java.io.tmpdir")
              + ": "
              + e
              + ". Make that folder writable, or name another with -Djava.io.tmpdir.",
          e);
    }
  }

  static BrokerFolder open(Path path) {
    try {
      return new BrokerFolder(path, false).prepare();
    } catch (IOException e) {
      throw new BrokerException(
          "The broker cannot write to its folder " + path + ": " + e + ". Choose another.", e);
    }
  }

  /** HiveMQ takes both folders for granted. */
  private BrokerFolder prepare() throws IOException {
    Files.createDirectories(path.resolve("data"));
    Files.createDirectories(path.resolve("extensions"));
    return this;
  }

  void deleteIfTemporary() {
    if (!temporary || Files.notExists(path)) {
      return;
    }
    try {
      Files.walkFileTree(path, new Deletion());
    } catch (IOException e) {
      throw new UncheckedIOException("The broker's temporary folder " + path + " remains", e);
    }
  }

  /** A broker that still runs, at the end of the JVM, may add and remove files meanwhile. */
  private static final class Deletion extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.deleteIfExists(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
      if (failure instanceof NoSuchFileException) {
        return FileVisitResult.CONTINUE;
      }
      throw failure;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      Files.deleteIfExists(directory);
      return FileVisitResult.CONTINUE;
    }
  }
}
