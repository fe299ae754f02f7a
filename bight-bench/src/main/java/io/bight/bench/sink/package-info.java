// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The server that the clients are measured against. */
@NullMarked
package io.bight.bench.sink;

import org.jspecify.annotations.NullMarked;
