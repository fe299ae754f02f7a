// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/** How the session's files are opened: tests put files in between that fail or forget. */
@FunctionalInterface
interface FileAccess {
  FileAccess DIRECT = FileChannel::open;

  FileChannel open(Path file, OpenOption... options) throws IOException;
}
