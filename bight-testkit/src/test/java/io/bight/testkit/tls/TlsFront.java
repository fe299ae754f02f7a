// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit.tls;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/** Takes TLS on a free loopback port and passes the bytes on to a plain port; the JDK's own TLS. */
public final class TlsFront implements AutoCloseable {
  private final SSLServerSocket listener;
  private final int plainPort;

  public TlsFront(SSLContext context, int plainPort) {
    this(context, plainPort, socket -> {});
  }

  /** Makes one that asks for more: client certificates, or protocols. */
  public TlsFront(SSLContext context, int plainPort, Consumer<SSLServerSocket> settings) {
    this.plainPort = plainPort;
    try {
      listener =
          (SSLServerSocket)
              context
                  .getServerSocketFactory()
                  .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    settings.accept(listener);
    start("accept", this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket outside = listener.accept();
        Socket inside = new Socket(InetAddress.getLoopbackAddress(), plainPort);
        start("in", () -> pump(outside, inside));
        start("out", () -> pump(inside, outside));
      } catch (IOException e) {
        // a connection that failed, or the end
      }
    }
  }

  private static void pump(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[8192];
      for (int length; (length = in.read(buffer)) >= 0; ) {
        out.write(buffer, 0, length);
        out.flush();
      }
    } catch (IOException e) {
      // either end has gone
    }
  }

  private static void start(String name, Runnable action) {
    Thread thread = new Thread(action, "tls-front-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
