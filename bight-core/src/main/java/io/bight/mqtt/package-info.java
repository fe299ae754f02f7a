// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0

/**
 * Values of the protocol that every part shares: quality of service, reason codes, properties,
 * topics, and the errors that users see.
 */
@NullMarked
package io.bight.mqtt;

import org.jspecify.annotations.NullMarked;
