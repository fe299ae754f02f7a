// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** A client's session on disk. Begin with {@link io.bight.store.DiskSessionStore}. */
@NullMarked
package io.bight.store;

import org.jspecify.annotations.NullMarked;
