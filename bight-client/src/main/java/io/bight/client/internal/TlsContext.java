// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Executor;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * What TLS connections share: trust, keys, and the sessions that a reconnect resumes. Made once and
 * used by any number of clients, on any thread.
 *
 * <p>Connections that check the host's name and those that do not have a context each: a resumed
 * session is not verified again, and OpenSSL does not ask how it was the first time.
 *
 * <p>With OpenSSL the native memory of a context is freed by the collector, when neither options
 * nor a connection refers to it any more ({@link SslProvider#OPENSSL}); that of a connection is
 * freed when the connection ends.
 */
public final class TlsContext {
  private static final String CHECK_NAME = "HTTPS"; // RFC 2818, which is what the JDK can check
  private static final String CHECK_NO_NAME = "";

  private final SslContext checking;
  private final @Nullable Parts parts;

  /** Made when the first connection wants it; guarded by this. */
  private @Nullable SslContext unchecking;

  /**
   * What a context is made of.
   *
   * @param openSsl whether OpenSSL does the work; else the JDK
   * @param trust whom to trust; null: whom the JDK trusts
   * @param keys what to present; null: the key, if there is one
   * @param key a private key, or null
   * @param certificates its chain
   * @param protocols what may be spoken; empty: what is usual
   */
  public record Parts(
      boolean openSsl,
      @Nullable TrustManagerFactory trust,
      @Nullable KeyManagerFactory keys,
      @Nullable PrivateKey key,
      List<X509Certificate> certificates,
      List<String> protocols) {
    /** Says nothing of the key: the words of some of the JDK's have all of it. */
    @Override
    public String toString() {
      return "Parts of " + (openSsl ? "OpenSSL" : "the JDK");
    }
  }

  private TlsContext(SslContext checking, @Nullable Parts parts) {
    this.checking = checking;
    this.parts = parts;
    this.unchecking = parts == null ? checking : null;
  }

  /**
   * Makes a context of one of the JDK's, which itself keeps sessions apart that were verified
   * otherwise.
   *
   * @param context the context, initialized
   * @return the context
   */
  public static TlsContext of(SSLContext context) {
    return new TlsContext(
        new JdkSslContext(
            context,
            true,
            null,
            IdentityCipherSuiteFilter.INSTANCE,
            null,
            ClientAuth.NONE,
            null,
            false),
        null);
  }

  /**
   * Returns the JDK's default, as it is now.
   *
   * @return the context
   */
  public static TlsContext ofJdkDefault() {
    try {
      return of(SSLContext.getDefault());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("the JDK has no default SSLContext", e);
    }
  }

  /**
   * Makes a context.
   *
   * @param parts of what
   * @return the context, which has made an engine already, so that it can make others
   * @throws SSLException if the engine does not take trust or key
   * @throws IllegalArgumentException if the engine does not know a protocol
   */
  public static TlsContext of(Parts parts) throws SSLException {
    SslContext context = make(parts, CHECK_NAME);
    ReferenceCountUtil.release(context.newEngine(UnpooledByteBufAllocator.DEFAULT));
    return new TlsContext(context, parts);
  }

  private static SslContext make(Parts parts, String nameCheck) throws SSLException {
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(parts.openSsl() ? SslProvider.OPENSSL : SslProvider.JDK)
            .endpointIdentificationAlgorithm(nameCheck)
            .trustManager(parts.trust());
    if (parts.keys() != null) {
      builder.keyManager(parts.keys());
    } else if (parts.key() != null) {
      builder.keyManager(parts.key(), parts.certificates());
    }
    if (!parts.protocols().isEmpty()) {
      builder.protocols(parts.protocols());
    }
    return builder.build();
  }

  /**
   * Tells why OpenSSL cannot be used.
   *
   * @return the reason, or null if it can
   */
  public static @Nullable Throwable openSslUnavailability() {
    return OpenSsl.isAvailable() ? null : OpenSsl.unavailabilityCause();
  }

  /**
   * Makes the handler of a connection. It lets go of what is native when it leaves its pipeline.
   *
   * @param allocator where its buffers come from
   * @param host the name asked for, for SNI and the certificate
   * @param port the port asked for
   * @param checkName whether the certificate must be for the host
   * @param tasks computes what takes long in a handshake
   * @return the handler
   */
  SslHandler newHandler(
      ByteBufAllocator allocator, String host, int port, boolean checkName, Executor tasks) {
    SslContext context = checkName ? checking : unchecking();
    SslHandler handler = context.newHandler(allocator, host, port, tasks);
    SSLParameters parameters = handler.engine().getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm(checkName ? CHECK_NAME : CHECK_NO_NAME);
    handler.engine().setSSLParameters(parameters);
    return handler;
  }

  private synchronized SslContext unchecking() {
    if (unchecking == null && parts != null) {
      try {
        unchecking = make(parts, CHECK_NO_NAME);
      } catch (SSLException e) {
        throw new IllegalStateException("what could be made once cannot be made again", e);
      }
    }
    return unchecking == null ? checking : unchecking;
  }
}
