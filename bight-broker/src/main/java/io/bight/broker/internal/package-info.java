// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** The two sides of the class loader boundary share this package; no program needs it. */
@NullMarked
package io.bight.broker.internal;

import org.jspecify.annotations.NullMarked;
