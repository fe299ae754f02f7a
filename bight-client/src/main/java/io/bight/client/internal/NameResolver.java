// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Looks up host names away from the loop, since the system's resolver blocks. A thousand clients
 * that ask for one name at once share one look-up. The threads end when nothing has been asked for
 * a second.
 */
public final class NameResolver {
  /**
   * A look-up that hangs holds a thread, and nothing ends it before the system gives up; so many
   * names may hang before others have to wait behind them.
   */
  private static final int THREADS = 16;

  private static final ThreadPoolExecutor EXECUTOR = executor();
  private static final Map<String, CompletableFuture<List<InetAddress>>> UNDER_WAY =
      new ConcurrentHashMap<>();

  /** What asks the system; tests put another in its place. */
  private static volatile LookUp system = InetAddress::getAllByName;

  private NameResolver() {}

  /** Finds the addresses of a host, however long it takes. */
  interface LookUp {
    InetAddress[] addressesOf(String host) throws UnknownHostException;
  }

  /** Asks something else than the system from now on; returns what was asked before. */
  static LookUp replaceLookUp(LookUp other) {
    LookUp before = system;
    system = other;
    return before;
  }

  private static ThreadPoolExecutor executor() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            runnable -> {
              Thread thread = new Thread(runnable, "bight-resolver");
              thread.setDaemon(true);
              return thread;
            });
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  /**
   * Returns the address that a host is written as.
   *
   * @param host a name or an address
   * @return the address, or null if it is a name
   */
  public static @Nullable InetAddress addressInDigits(String host) {
    try {
      if (NetUtil.isValidIpV4Address(host)) {
        // With the host as its name, the address never looks for one.
        return InetAddress.getByAddress(host, NetUtil.createByteArrayFromIpAddressString(host));
      }
      return NetUtil.isValidIpV6Address(host) ? InetAddress.getByName(host) : null;
    } catch (UnknownHostException e) {
      return null; // a scope that this machine does not have
    }
  }

  /**
   * Looks a host up.
   *
   * @param host a name or an address
   * @return its addresses in the system's order, at least one, or an {@link UnknownHostException};
   *     completed on a resolver thread
   */
  public static CompletableFuture<List<InetAddress>> resolve(String host) {
    CompletableFuture<List<InetAddress>> mine = new CompletableFuture<>();
    CompletableFuture<List<InetAddress>> others = UNDER_WAY.putIfAbsent(host, mine);
    if (others != null) {
      return others;
    }
    EXECUTOR.execute(
        () -> {
          CompletableFuture<List<InetAddress>> result = lookUp(host);
          UNDER_WAY.remove(host, mine);
          result.whenComplete(
              (addresses, failure) -> {
                if (failure == null) {
                  mine.complete(addresses);
                } else {
                  mine.completeExceptionally(failure);
                }
              });
        });
    return mine;
  }

  /**
   * Returns why a look-up failed, without what futures wrap around it.
   *
   * @param failure as a dependent stage of {@link #resolve} is given it
   * @return the failure itself
   */
  public static Throwable unwrapped(@Nullable Throwable failure) {
    if (failure instanceof CompletionException && failure.getCause() != null) {
      return failure.getCause();
    }
    return failure == null ? new UnknownHostException() : failure;
  }

  private static CompletableFuture<List<InetAddress>> lookUp(String host) {
    try {
      return CompletableFuture.completedFuture(List.of(system.addressesOf(host)));
    } catch (UnknownHostException | RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
