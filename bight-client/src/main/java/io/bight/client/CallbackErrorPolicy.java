// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

/**
 * What happens when a callback of the program throws, apart from being logged and reported to
 * {@code onCallbackError}, which always happens.
 */
public enum CallbackErrorPolicy {
  /** The loop goes on, and a message whose handler threw is acknowledged. The default. */
  CONTINUE,

  /**
   * Whoever drives stops and is thrown what the callback threw: {@code loop}, {@code loopForever}
   * or a blocking call throws it, the thread of {@code loopStart} ends with it as uncaught. The
   * connection stays open, and the loop may be driven again. A message whose handler threw is not
   * acknowledged, so that the server sends it again on the next connection; how often, {@link
   * MessageHandling#attempts} tells. Handlers on an executor go on with what they were given.
   */
  STOP_LOOP,

  /**
   * The client disconnects in order and does not reconnect; other clients of the loop go on. A
   * message whose handler threw is not acknowledged, so that the server sends it again on the next
   * connection; how often, {@link MessageHandling#attempts} tells.
   */
  DISCONNECT
}
