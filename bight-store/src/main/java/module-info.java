// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
/** A client's session on disk, so that it survives the process. */
module io.bight.store {
  requires transitive io.bight.core;
  requires com.h2database.mvstore;
  requires org.slf4j;
  requires static transitive org.jspecify;

  exports io.bight.store;
}
