// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** Runnable programs, one per how-to. */
@NullMarked
package io.bight.examples;

import org.jspecify.annotations.NullMarked;
