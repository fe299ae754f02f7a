// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.internal;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Enumeration;

/**
 * Defines the broker's classes a second time, apart from the application's: HiveMQ, and all it
 * stands on (Netty, Guava, SLF4J and so on).
 *
 * <p>The bytes come from the application's own class path, so nothing is packed or unpacked. What
 * the separation buys: HiveMQ's static state and its log stay in here, the application's SLF4J back
 * end never sees a record of the broker, and the versions of its libraries need not be the
 * application's.
 *
 * <p>Classes of the JDK and of this package are shared with the application; everything else is
 * looked up here first. One instance serves all brokers of a JVM, so that the second one starts
 * warm.
 */
public final class IsolatingClassLoader extends ClassLoader {

  static {
    registerAsParallelCapable();
  }

  private static final String SHARED_PACKAGE = IsolatingClassLoader.class.getPackageName() + ".";
  private static final String SERVER_CLASS = "io.bight.broker.hivemq.HiveMqServer";
  private static final String LOG_PROVIDERS =
      "META-INF/services/org.slf4j.spi.SLF4JServiceProvider";
  private static final String OUR_LOG_PROVIDER = "META-INF/bight-broker/slf4j-provider";

  private final ClassLoader application;

  private IsolatingClassLoader(ClassLoader application) {
    super("bight-broker", application);
    this.application = application;
  }

  /**
   * A new server, isolated from the caller's classes.
   *
   * @return a server that was not started yet
   * @throws ReflectiveOperationException if the broker's classes are not on the class path
   */
  public static BrokerServer newServer() throws ReflectiveOperationException {
    return Class.forName(SERVER_CLASS, true, Shared.LOADER)
        .asSubclass(BrokerServer.class)
        .getConstructor()
        .newInstance();
  }

  /**
   * The loader that all brokers of this JVM share, for the context of the threads they start.
   *
   * @return the loader
   */
  public static ClassLoader shared() {
    return Shared.LOADER;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (name.startsWith(SHARED_PACKAGE)) {
      return application.loadClass(name);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded == null) {
        loaded = loadUnloaded(name);
      }
      if (resolve) {
        resolveClass(loaded);
      }
      return loaded;
    }
  }

  private Class<?> loadUnloaded(String name) throws ClassNotFoundException {
    // A class file on the class path under a name of the JDK would shadow the JDK's own class.
    if (name.startsWith("java.") || name.startsWith("jdk.") || name.startsWith("sun.")) {
      return getPlatformClassLoader().loadClass(name);
    }
    String resource = name.replace('.', '/') + ".class";
    try (InputStream bytes = application.getResourceAsStream(resource)) {
      if (bytes == null || getPlatformClassLoader().getResource(resource) != null) {
        return getPlatformClassLoader().loadClass(name);
      }
      byte[] classFile = bytes.readAllBytes();
      return defineClass(name, classFile, 0, classFile.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  /** Presents the one log provider of the broker instead of the application's. */
  @Override
  public Enumeration<URL> getResources(String name) throws IOException {
    return super.getResources(name.equals(LOG_PROVIDERS) ? OUR_LOG_PROVIDER : name);
  }

  private static final class Shared {
    static final IsolatingClassLoader LOADER =
        new IsolatingClassLoader(IsolatingClassLoader.class.getClassLoader());
  }
}
