// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.HashSet;
import java.util.Set;

/**
 * A piece of network that can be cut: a port on this machine whose connections lead to the server.
 * Owns its sockets and threads until {@link #close()}; any thread may call.
 */
final class Relay implements AutoCloseable {
  private static final int BUFFER_BYTES = 16 * 1024;

  /** It may be connecting to a server that does not answer. */
  private static final long LONGEST_ACCEPT_MILLIS = 1_000;

  private final String serverHost;
  private final int serverPort;
  private final int port;

  /** All three guarded by this. */
  private final Set<Socket> sockets = new HashSet<>();

  private ServerSocket listener;
  private Thread acceptor;

  Relay(String serverHost, int serverPort) throws IOException {
    this.serverHost = serverHost;
    this.serverPort = serverPort;
    this.listener = listen(0);
    this.acceptor = startAcceptor(listener);
    this.port = listener.getLocalPort();
  }

  /** The port on the loopback address that clients connect to. */
  int port() {
    return port;
  }

  private static ServerSocket listen(int wanted) throws IOException {
    ServerSocket opened = new ServerSocket();
    opened.setReuseAddress(true);
    opened.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted));
    return opened;
  }

  private Thread startAcceptor(ServerSocket opened) {
    return startThread(() -> accept(opened));
  }

  private void accept(ServerSocket from) {
    try {
      while (true) {
        connect(from.accept());
      }
    } catch (IOException e) {
      // The listener was closed: the relay is cut.
    }
  }

  private void connect(Socket client) throws IOException {
    Socket server = new Socket();
    try {
      server.connect(new InetSocketAddress(serverHost, serverPort));
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
    } catch (IOException e) {
      client.close(); // the server is away; the client sees its connection end
      return;
    }
    synchronized (this) {
      if (listener.isClosed()) {
        client.close();
        server.close();
        return;
      }
      sockets.add(client);
      sockets.add(server);
    }
    startThread(() -> pump(client, server));
    startThread(() -> pump(server, client));
  }

  private void pump(Socket from, Socket to) {
    byte[] buffer = new byte[BUFFER_BYTES];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count; (count = in.read(buffer)) >= 0; ) {
        out.write(buffer, 0, count);
      }
    } catch (IOException e) {
      // One side is gone; closing both tells the other.
    }
    synchronized (this) {
      sockets.remove(from);
      sockets.remove(to);
    }
  }

  /** Breaks all connections, without a word of MQTT, and refuses new ones. */
  void cut() throws IOException {
    Thread accepting;
    synchronized (this) {
      accepting = acceptor;
      listener.close();
      // All are prepared before the first is closed: its pump then closes the other one.
      sockets.forEach(Relay::prepareReset);
      for (Socket socket : sockets) {
        socket.close();
      }
      sockets.clear();
    }
    awaitEnd(accepting);
  }

  /** Until a thread has come back from accept, the system still takes connections for it. */
  private static void awaitEnd(Thread accepting) {
    try {
      accepting.join(LONGEST_ACCEPT_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Accepts connections again. */
  synchronized void mend() throws IOException {
    if (listener.isClosed()) {
      listener = listen(port);
      acceptor = startAcceptor(listener);
    }
  }

  /** Makes the end of a socket a reset instead of a farewell. */
  private static void prepareReset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (SocketException e) {
      // Its pump has closed it already, because one of the two ends is gone.
    }
  }

  @Override
  public void close() throws IOException {
    cut();
  }

  private static Thread startThread(Runnable work) {
    Thread thread = new Thread(work, "bight-demo-relay");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
