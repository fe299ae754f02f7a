// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * A copy of what is tested and of its simulation in a class loader of its own, in which one class
 * is compiled from a source that was broken.
 */
final class MutatedClasses extends ClassLoader {
  private static final String OURS = "io.bight.";

  private final Map<String, ByteArrayOutputStream> broken;

  private MutatedClasses(Map<String, ByteArrayOutputStream> broken) {
    super(MutatedClasses.class.getClassLoader());
    this.broken = broken;
  }

  /**
   * Returns the first seed that fails with a class broken, and why; or null.
   *
   * @param simulation has a static method of this name for a range of seeds
   */
  static Object[] firstFailure(Mutation mutation, Class<?> simulation, long first, long seeds)
      throws ReflectiveOperationException {
    Class<?> copy = new MutatedClasses(compile(mutation)).loadClass(simulation.getName());
    Method run = copy.getDeclaredMethod("firstFailure", long.class, long.class);
    run.setAccessible(true);
    return (Object[]) run.invoke(null, first, seeds);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(OURS)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded == null) {
        byte[] bytes = bytesOf(name);
        loaded = defineClass(name, bytes, 0, bytes.length);
      }
      return loaded;
    }
  }

  private byte[] bytesOf(String name) throws ClassNotFoundException {
    if (broken.containsKey(name)) {
      return broken.get(name).toByteArray();
    }
    try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, ByteArrayOutputStream> compile(Mutation mutation) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    Map<String, ByteArrayOutputStream> classes = new HashMap<>();
    StringWriter messages = new StringWriter();
    String name = mutation.className();
    boolean compiled =
        compiler
            .getTask(
                messages,
                new InMemory(compiler.getStandardFileManager(null, null, null), classes),
                null,
                List.of("-proc:none", "-nowarn", "-cp", System.getProperty("java.class.path")),
                null,
                List.of(new Source(name, mutation.brokenSource())))
            .call();
    if (!compiled) {
      throw new AssertionError("'" + mutation + "' does not compile: " + messages);
    }
    return classes;
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("string:///" + name.replace('.', '/') + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> classes;

    InMemory(JavaFileManager files, Map<String, ByteArrayOutputStream> classes) {
      super(files);
      this.classes = classes;
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      classes.put(className, bytes);
      return new SimpleJavaFileObject(URI.create("memory:///" + className), kind) {
        @Override
        public OutputStream openOutputStream() {
          return bytes;
        }
      };
    }
  }
}
