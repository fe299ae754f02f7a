// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.store;

import io.bight.build.ApiListing;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isTheOneInTheCheckedInListing() throws IOException {
    ApiListing.check();
  }
}
