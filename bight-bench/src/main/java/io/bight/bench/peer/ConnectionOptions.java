// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.peer;

import io.bight.bench.sink.SinkOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * What is the same for each client of a run.
 *
 * @param port the sink's
 * @param clientId the client identifier
 * @param window how many messages the program has outstanding at most; clients that bound what is
 *     in flight are given at least that
 * @param reconnects whether the client is to come back and subscribe again by itself
 * @param trustStore a PKCS 12 file with the sink's certificate, for TLS; the same as PEM beside it
 * @param directory where the session is to survive the process
 */
public record ConnectionOptions(
    int port,
    String clientId,
    int window,
    boolean reconnects,
    @Nullable Path trustStore,
    @Nullable Path directory) {
  public static final String HOST = "127.0.0.1";
  static final int KEEP_ALIVE_SECONDS = 60;

  public ConnectionOptions withClientId(String identifier) {
    return new ConnectionOptions(port, identifier, window, reconnects, trustStore, directory);
  }

  /** The URI with one scheme or the other. */
  String uri(String plain, String tls) {
    return (trustStore == null ? plain : tls) + "://" + HOST + ":" + port;
  }

  static TrustManagerFactory trust(Path trustStore) throws IOException {
    try (InputStream in = Files.newInputStream(trustStore)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, SinkOptions.PASSWORD.toCharArray());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      return trust;
    } catch (GeneralSecurityException e) {
      throw new IOException("The trust store " + trustStore + " cannot be used.", e);
    }
  }

  static SSLContext sslContext(Path trustStore) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust(trustStore).getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS cannot be set up.", e);
    }
  }

  /** The same as PEM. */
  public static Path pem(Path trustStore) {
    return trustStore.resolveSibling("sink.pem");
  }
}
