// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

/**
 * What a change of the session has survived when {@code commit()} returns, that is, before the
 * packets that follow from it are written.
 *
 * <p>With each of them a committed change survives the end of the process, also by {@code kill -9},
 * and a commit that the process did not live to finish is not there at all.
 */
public enum Durability {
  /**
   * It is on stable storage: it survives a power failure too, as far as the disk keeps its word.
   * One sync for each commit that needs one; all messages published meanwhile share it.
   */
  ALWAYS,
  /**
   * The operating system has it, and writes it to stable storage within the interval chosen. A
   * power failure may undo the commits of that interval, but only whole ones and from the end.
   */
  INTERVAL,
  /**
   * The operating system has it, and writes it when it likes. After a power failure the session may
   * be older by any number of commits, or damaged, in which case what is readable is kept.
   */
  OS
}
