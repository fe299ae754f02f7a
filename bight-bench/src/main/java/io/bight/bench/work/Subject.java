// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.util.HashMap;
import java.util.Map;

/** A process that does one work with one client, and prints what it has measured. */
public final class Subject {
  private Subject() {}

  /** Takes name=value pairs, as {@link WorkOptions#arguments} writes them. */
  public static void main(String[] arguments) {
    Map<String, String> values = new HashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      values.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    int status = 0;
    try {
      WorkName work = WorkName.of(values.getOrDefault("work", ""));
      PeerName peer = PeerName.of(values.getOrDefault("peer", ""));
      // The library is there for the sink, and for who says so; the others use the JDK's TLS.
      System.setProperty("io.netty.handler.ssl.noOpenSsl", String.valueOf(!peer.isOpenSsl()));
      System.out.println(measure(work, peer, WorkOptions.of(values)));
    } catch (Exception e) {
      e.printStackTrace();
      status = 1;
    }
    // Some clients leave threads behind that would keep the process.
    System.exit(status);
  }

  public static Figures measure(WorkName name, PeerName peer, WorkOptions options)
      throws Exception {
    Work work = name.work(peer);
    if (work == null) {
      throw new IllegalArgumentException(peer.text() + " does not do " + name.text() + ".");
    }
    try (SinkControl control = new SinkControl(options.controlPort())) {
      Meter.use(control);
      return work.run(peer, options, control);
    }
  }
}
