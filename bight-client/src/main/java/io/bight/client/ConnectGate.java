// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Lets so many clients connect at a time, from the look-up of the name until CONNACK; the others
 * wait in the order in which they came. Shared by clients of several loops: safe for use by any
 * thread.
 */
final class ConnectGate {
  private final int most;

  // Guarded by this
  private final Set<Pass> waiting = new LinkedHashSet<>();
  private int inside;

  ConnectGate(int most) {
    this.most = most;
  }

  /** Returns how many wait for their turn. */
  synchronized int waiting() {
    return waiting.size();
  }

  /** Returns how many are connecting. */
  synchronized int inside() {
    return inside;
  }

  /**
   * Asks to connect.
   *
   * @param loop runs {@code begin} when it is this one's turn
   * @return is to be left when the attempt is over, whatever became of it
   */
  Pass enter(Executor loop, Runnable begin) {
    Pass pass = new Pass(loop, begin);
    synchronized (this) {
      if (inside >= most) {
        waiting.add(pass);
        return pass;
      }
      inside++;
      pass.inside = true;
    }
    if (!pass.begin()) {
      pass.leave();
    }
    return pass;
  }

  /** One attempt's place, at the gate or behind it. */
  final class Pass {
    private final Executor loop;
    private final Runnable begin;

    // Guarded by the gate
    private boolean inside;
    private boolean left;

    private Pass(Executor loop, Runnable begin) {
      this.loop = loop;
      this.begin = begin;
    }

    /** The attempt is over, or will not be made; a second call does nothing. */
    void leave() {
      Pass next = leaveToNext();
      while (next != null && !next.begin()) { // a loop that is closed begins nothing
        next = next.leaveToNext();
      }
    }

    private @Nullable Pass leaveToNext() {
      synchronized (ConnectGate.this) {
        if (left) {
          return null;
        }
        left = true;
        if (!inside) {
          waiting.remove(this);
          return null;
        }
        Iterator<Pass> first = waiting.iterator();
        if (!first.hasNext()) {
          ConnectGate.this.inside--;
          return null;
        }
        Pass next = first.next();
        first.remove();
        next.inside = true;
        return next;
      }
    }

    private boolean begin() {
      try {
        loop.execute(this::beginUnlessLeft);
        return true;
      } catch (RejectedExecutionException e) {
        return false;
      }
    }

    private void beginUnlessLeft() {
      synchronized (ConnectGate.this) {
        if (left) {
          return;
        }
      }
      begin.run();
    }
  }
}
