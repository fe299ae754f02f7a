// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.mqtt.simulation;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;

/**
 * A connection of the virtual network. Each direction keeps the order of its bytes; they arrive in
 * pieces and late. When the link breaks, bytes on their way are lost from any of them on, and each
 * side hears of it on its own, late or never.
 */
final class Link {
  private final World world;
  final int number;

  // Towards the server: the packets whose bytes are on their way
  private final ArrayDeque<ClientPacket> packets = new ArrayDeque<>();
  private final ClientPacket.Reader reader = new ClientPacket.Reader();
  private long written;
  private long arrived;
  private long lostFrom = Long.MAX_VALUE;
  private boolean endToServer;
  private boolean pumpsToServer;

  /** How long nothing moves towards the server, besides the usual. */
  private long stallNanos;

  /** Whether the server has closed its end, or seen ours. */
  private boolean serverGone;

  // Towards the client: bytes
  private byte[] bytes = new byte[64];
  private int from;
  private int to;
  private boolean endToClient;
  private boolean pumpsToClient;
  private boolean clientGone;

  /** The number of the server's session that it was accepted for. */
  private int session;

  /** Whether what is written from now on is lost. */
  private boolean broken;

  Link(World world, int number) {
    this.world = world;
    this.number = number;
  }

  boolean isServerGone() {
    return serverGone;
  }

  int session() {
    return session;
  }

  void acceptedFor(int sessionNumber) {
    session = sessionNumber;
  }

  // ---- towards the server

  /** The client writes a batch; returns its packets. */
  List<ClientPacket> write(byte[] batch) {
    List<ClientPacket> read = reader.read(batch, written);
    if (!broken && !serverGone) {
      packets.addAll(read);
      written += batch.length;
      pumpToServer();
    }
    return read;
  }

  /** The client closes: what it has written arrives, and then the end. */
  void closeByClient() {
    if (!clientGone) {
      clientGone = true;
      if (!broken) {
        broken = true; // nothing reaches the client any more
        endToServer = true;
        pumpToServer();
      }
    }
  }

  private void pumpToServer() {
    if (!pumpsToServer && !serverGone && (arrived < reachable() || endToServer)) {
      pumpsToServer = true;
      world.after(stallNanos + world.latency(), this::deliverToServer);
      stallNanos = 0;
    }
  }

  private long reachable() {
    return Math.min(written, lostFrom);
  }

  private void deliverToServer() {
    pumpsToServer = false;
    if (serverGone) {
      return;
    }
    long available = reachable() - arrived;
    if (available > 0) {
      arrived += world.piece(available);
      for (ClientPacket packet; (packet = packets.peek()) != null && packet.end <= arrived; ) {
        packets.remove();
        world.server().onPacket(this, packet);
        if (serverGone) {
          return;
        }
      }
    } else if (endToServer) {
      serverGone = true;
      world.server().onLinkEnded(this);
      return;
    }
    pumpToServer();
  }

  // ---- towards the client

  /** The server writes a packet. */
  void send(byte[] packet, int length) {
    if (broken || clientGone || serverGone) {
      return;
    }
    if (to + length > bytes.length) {
      byte[] larger = new byte[Math.max(2 * bytes.length, to - from + length)];
      System.arraycopy(bytes, from, larger, 0, to - from);
      bytes = larger;
      to -= from;
      from = 0;
    }
    System.arraycopy(packet, 0, bytes, to, length);
    to += length;
    pumpToClient();
  }

  /** The server closes: what it has written arrives, or a part of it, and then the end. */
  void closeByServer() {
    if (!serverGone) {
      serverGone = true;
      if (!broken) {
        broken = true;
        if (world.oneIn(4)) {
          to = from + world.below(to - from + 1); // a reset throws away what was not read
        }
        endToClient = true;
        pumpToClient();
      }
    }
  }

  private void pumpToClient() {
    if (!pumpsToClient && !clientGone && (from < to || endToClient)) {
      pumpsToClient = true;
      world.after(world.latency(), this::deliverToClient);
    }
  }

  private void deliverToClient() {
    pumpsToClient = false;
    if (clientGone) {
      return;
    }
    if (from < to) {
      int length = (int) world.piece(to - from);
      byte[] piece = Arrays.copyOfRange(bytes, from, from + length);
      from += length;
      world.client().onBytes(this, piece);
    } else if (endToClient) {
      clientGone = true;
      world.client().onLinkEnded(this);
      return;
    }
    pumpToClient();
  }

  // ---- accidents

  /** What the client writes next is long on its way, longer perhaps than the client waits. */
  void stall(long nanos) {
    stallNanos = nanos;
  }

  /**
   * The link breaks.
   *
   * @param clientHears whether the client sees the end; if not, it must find out by itself
   * @param serverHears whether the server sees the end
   */
  void cut(boolean clientHears, boolean serverHears) {
    if (broken) {
      return;
    }
    broken = true;
    lostFrom = arrived + world.below((int) (written - arrived) + 1);
    to = from + world.below(to - from + 1);
    if (serverHears) {
      world.after(
          world.oneIn(3) ? world.longTime() : world.latency(),
          () -> {
            endToServer = true;
            pumpToServer();
          });
    }
    if (clientHears) {
      world.after(
          world.latency(),
          () -> {
            endToClient = true;
            pumpToClient();
          });
    }
  }

  /** The link breaks, and all that was sent to the client and has not arrived is lost. */
  void cutAtOnce() {
    to = from;
    cut(true, true);
  }
}
