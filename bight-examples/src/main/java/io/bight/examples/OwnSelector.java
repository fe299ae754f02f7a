// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.Message;
import io.bight.client.MqttClient;
import io.bight.client.MqttLoop;
import io.bight.mqtt.Qos;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * {@code driveOn(...)} with a selector of the program's own: a server that publishes what is sent
 * to its TCP port, and sends what is published to everybody there. One thread does both. Ends when
 * somebody sends "quit".
 */
final class OwnSelector {
  private static final String TOPIC = "lines";

  private final Selector selector;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private boolean running = true;

  private OwnSelector() throws IOException {
    selector = Selector.open();
  }

  public static void main(String[] args) throws IOException {
    new OwnSelector().run(args.length > 0 ? args[0] : "mqtt://localhost");
  }

  private void run(String uri) throws IOException {
    try (selector;
        ServerSocketChannel listener = ServerSocketChannel.open();
        MqttLoop loop = MqttLoop.create()) {
      // Whenever MQTT has work, it becomes a task of this thread. There is no tick.
      loop.driveOn(
          task -> {
            tasks.add(task);
            selector.wakeup();
          });
      MqttClient client = MqttClient.builder(uri).loop(loop).onMessage(this::sendToAll).build();
      client.connectAsync();
      client.subscribe(TOPIC, Qos.AT_LEAST_ONCE).thenRun(() -> listen(listener));
      while (running) {
        selector.select();
        for (Runnable task; (task = tasks.poll()) != null; ) {
          task.run();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          handle(key, client);
        }
        selector.selectedKeys().clear();
      }
    }
    System.out.println("done");
  }

  private void listen(ServerSocketChannel listener) {
    try {
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      listener.configureBlocking(false);
      listener.register(selector, SelectionKey.OP_ACCEPT);
      System.out.println(listener.socket().getLocalPort());
    } catch (IOException e) {
      throw new IllegalStateException("cannot listen", e);
    }
  }

  private void handle(SelectionKey key, MqttClient client) throws IOException {
    if (key.isAcceptable()) {
      SocketChannel accepted = ((ServerSocketChannel) key.channel()).accept();
      accepted.configureBlocking(false);
      accepted.register(selector, SelectionKey.OP_READ);
    } else if (key.isReadable()) {
      ByteBuffer buffer = ByteBuffer.allocate(1024);
      if (((SocketChannel) key.channel()).read(buffer) < 0) {
        key.channel().close();
        return;
      }
      String text = StandardCharsets.UTF_8.decode(buffer.flip()).toString();
      running = !text.startsWith("quit");
      if (running) {
        client.publish(TOPIC, text, Qos.AT_LEAST_ONCE);
      }
    }
  }

  // Callbacks run in a task, on the thread that selects: the keys need no lock.
  private void sendToAll(Message message) {
    for (SelectionKey key : selector.keys()) {
      if (key.isValid() && key.channel() instanceof SocketChannel channel) {
        try {
          channel.write(message.payload());
        } catch (IOException e) {
          key.cancel();
        }
      }
    }
  }
}
