// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

/**
 * A message is given up: its handler threw each time. When the callbacks have returned it is
 * acknowledged, unless one of them has {@linkplain Message#reject rejected} it or the program
 * acknowledges by itself.
 */
public final class DeadLetterEvent {
  private final Message message;
  private final Throwable error;
  private final int attempts;

  DeadLetterEvent(Message message, Throwable error, int attempts) {
    this.message = message;
    this.error = error;
    this.attempts = attempts;
  }

  /**
   * Returns the message.
   *
   * @return the message, to be stored elsewhere or rejected
   */
  public Message message() {
    return message;
  }

  /**
   * Returns what the handler threw the last time.
   *
   * @return the exception or error
   */
  public Throwable error() {
    return error;
  }

  /**
   * Returns how many times the handler was given the message.
   *
   * @return at least 1
   */
  public int attempts() {
    return attempts;
  }

  /** Returns the message, the number of attempts and the last error. */
  @Override
  public String toString() {
    return "DeadLetterEvent[" + message + ", attempts=" + attempts + ", " + error + "]";
  }
}
