// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.work;

import io.bight.bench.peer.PeerName;
import io.bight.bench.sink.SinkControl;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What the disk allows: appends a record of topic and payload for each message and forces it to
 * stable storage, one at a time. No server, no client.
 */
record RawAppendWork() implements Work {
  @Override
  public Figures run(PeerName name, WorkOptions options, SinkControl control) throws Exception {
    if (options.directory() == null) {
      throw new IllegalArgumentException("The work needs a directory.");
    }
    Files.createDirectories(options.directory());
    Path file = options.directory().resolve("append");
    ByteBuffer record = ByteBuffer.allocateDirect(TOPIC.length() + options.payloadBytes());
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      append(channel, record, options.warmUp().toNanos());
      Meter meter = new Meter(control);
      meter.start(0);
      long messages = append(channel, record, options.measured().toNanos());
      return meter.stop(messages);
    }
  }

  private static long append(FileChannel channel, ByteBuffer record, long nanos)
      throws IOException {
    long end = System.nanoTime() + nanos;
    long messages = 0;
    for (; System.nanoTime() - end < 0; messages++) {
      channel.write(record.rewind());
      channel.force(false);
    }
    return messages;
  }
}
