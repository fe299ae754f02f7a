// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The clients, Bight and the others, behind one small interface. */
@NullMarked
package io.bight.bench.peer;

import org.jspecify.annotations.NullMarked;
