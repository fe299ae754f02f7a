// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker;

import org.jspecify.annotations.Nullable;

/** The embedded broker could not start. The message says why and what to do about it. */
public final class BrokerException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  BrokerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
