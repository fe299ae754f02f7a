// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit;

/** How the bytes of a {@link ScriptedConnection} leave: through a socket or to the test itself. */
interface ServerTransport {
  /** Sends bytes; a piece must not be joined with others where that can be helped. */
  void write(byte[] bytes, boolean piece);

  /** Ends the connection in order, after what was written. */
  void close();

  /** Breaks the connection. */
  void reset();

  /** Stops or resumes taking bytes from the network. */
  void setReading(boolean reading);
}
