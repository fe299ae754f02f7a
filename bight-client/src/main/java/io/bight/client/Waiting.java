// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import java.util.ArrayList;
import java.util.List;

/**
 * The futures of those who wait for one thing. As long as a client; the driver's. Takes nothing
 * while nobody waits, as nearly always.
 */
final class Waiting<T> {
  private List<RequestFuture<T>> futures = List.of();

  void add(RequestFuture<T> future) {
    if (futures.isEmpty()) {
      futures = new ArrayList<>(1);
    }
    futures.add(future);
  }

  /** Hands over all who wait: whoever comes from here on waits for the next time. */
  List<RequestFuture<T>> takeAll() {
    List<RequestFuture<T>> all = futures;
    futures = List.of();
    return all;
  }
}
