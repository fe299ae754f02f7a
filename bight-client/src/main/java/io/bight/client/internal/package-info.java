// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** What drives the engine with sockets. Not exported. */
@NullMarked
package io.bight.client.internal;

import org.jspecify.annotations.NullMarked;
