// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client;

import io.bight.client.internal.PemFile;
import io.bight.client.internal.TlsContext;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * How TLS is done, for {@code mqtts://} and {@code wss://}: whom to trust, what to present, which
 * protocols, and by which engine. Unless set, what the JDK trusts, no certificate, TLS 1.2 and 1.3,
 * and OpenSSL where it is there.
 *
 * <pre>{@code
 * TlsOptions tls = TlsOptions.builder()
 *     .trust(Path.of("ca.pem"))
 *     .clientCertificate(Path.of("client.pem"), Path.of("client-key.pem"))
 *     .build();
 * MqttClient client = MqttClient.builder("mqtts://broker.example").tls(tls).build();
 * }</pre>
 *
 * <p>Immutable, and safe for use by any number of clients on any thread. Give the same options to
 * all clients that are to have them: the files have been read, and a reconnect goes on with the TLS
 * session that any of the clients had with the server. Whether the certificate must be for the host
 * is not said here: it must, unless a client is built with {@link
 * MqttClientBuilder#insecureSkipHostNameVerification}.
 */
public final class TlsOptions {
  private final TlsContext context;
  private final Engine engine;
  private final String text;

  /** What does the work of TLS. */
  public enum Engine {
    /** {@link #OPENSSL} if it is there, else {@link #JDK}. */
    AUTOMATIC,
    /** The JDK. */
    JDK,
    /**
     * OpenSSL, or BoringSSL, through Netty: cheaper for each byte. The program adds it to its class
     * path, as {@code io.netty:netty-tcnative-boringssl-static} in the version that {@code
     * io.netty:netty-bom} names.
     */
    OPENSSL
  }

  private TlsOptions(TlsContext context, Engine engine, String text) {
    this.context = context;
    this.engine = engine;
    this.text = text;
  }

  /**
   * Makes a builder with the defaults.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns what does the work.
   *
   * @return {@link Engine#JDK} or {@link Engine#OPENSSL}
   */
  public Engine engine() {
    return engine;
  }

  TlsContext context() {
    return context;
  }

  /** Returns the engine, the files and the protocols; no secret. */
  @Override
  public String toString() {
    return text;
  }

  /** Makes {@link TlsOptions}. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Path trustFile;
    private @Nullable TrustManagerFactory trustManagers;
    private @Nullable Path certificateFile;
    private @Nullable Path keyFile;
    private char @Nullable [] keyPassword;
    private @Nullable KeyManagerFactory keyManagers;
    private List<String> protocols = List.of();
    private Engine engine = Engine.AUTOMATIC;

    private Builder() {}

    /**
     * Trusts those whose certificates are in a file, and nobody else: the authority that signed the
     * server's certificate, or that certificate itself. Replaces an earlier trust.
     *
     * @param certificates a PEM file with one certificate or more
     * @return this builder
     */
    public Builder trust(Path certificates) {
      trustFile = Objects.requireNonNull(certificates, "certificates");
      trustManagers = null;
      return this;
    }

    /**
     * Trusts whom the JDK's interface says. Replaces an earlier trust.
     *
     * @param factory the trust, initialized
     * @return this builder
     */
    public Builder trust(TrustManagerFactory factory) {
      trustManagers = Objects.requireNonNull(factory, "factory");
      trustFile = null;
      return this;
    }

    /**
     * Presents a certificate to servers that ask for one. Replaces an earlier one.
     *
     * @param certificates a PEM file with the client's certificate, then those that signed it, if
     *     the server does not have them
     * @param key a PEM file with its private key; may be the same file
     * @return this builder
     */
    public Builder clientCertificate(Path certificates, Path key) {
      certificateFile = Objects.requireNonNull(certificates, "certificates");
      keyFile = Objects.requireNonNull(key, "key");
      keyPassword = null;
      keyManagers = null;
      return this;
    }

    /**
     * Presents a certificate to servers that ask for one; its key is encrypted. Replaces an earlier
     * one.
     *
     * @param certificates a PEM file with the client's certificate, then those that signed it, if
     *     the server does not have them
     * @param key a PEM file with its private key; may be the same file
     * @param password what the key is encrypted with, copied; never shown or logged
     * @return this builder
     */
    public Builder clientCertificate(Path certificates, Path key, char[] password) {
      clientCertificate(certificates, key);
      keyPassword = password.clone();
      return this;
    }

    /**
     * Presents what the JDK's interface says to servers that ask for a certificate. Replaces an
     * earlier one.
     *
     * @param factory the keys, initialized
     * @return this builder
     */
    public Builder clientCertificate(KeyManagerFactory factory) {
      keyManagers = Objects.requireNonNull(factory, "factory");
      certificateFile = null;
      keyFile = null;
      keyPassword = null;
      return this;
    }

    /**
     * Sets which protocols may be spoken.
     *
     * @param names by the JDK's names, as {@code TLSv1.3}; unless set, TLS 1.2 and 1.3
     * @return this builder
     * @throws IllegalArgumentException if there is none
     */
    public Builder protocols(String... names) {
      if (names.length == 0) {
        throw new IllegalArgumentException("name a protocol at least, as TLSv1.3");
      }
      protocols = List.of(names);
      return this;
    }

    /**
     * Sets what does the work.
     *
     * @param which {@link Engine#AUTOMATIC} unless set
     * @return this builder
     */
    public Builder engine(Engine which) {
      engine = Objects.requireNonNull(which, "which");
      return this;
    }

    /**
     * Reads the files and makes the options.
     *
     * @return the options
     * @throws IllegalArgumentException if a file cannot be read or used, the password is wrong, the
     *     key is not the certificate's, the engine does not know a protocol, or it is {@link
     *     Engine#OPENSSL} and that is not there; the message names the file and what to do
     */
    public TlsOptions build() {
      TrustManagerFactory trust = trustFile == null ? trustManagers : trustIn(trustFile);
      List<X509Certificate> certificates = List.of();
      PrivateKey key = null;
      if (certificateFile != null && keyFile != null) {
        PemFile certificatePem = PemFile.read("client certificate", certificateFile);
        PemFile keyPem = PemFile.read("private key", keyFile);
        certificates = certificatePem.certificates();
        key = keyPem.privateKey(keyPassword);
        certificatePem.requireKeyOf(certificates, key, keyPem);
      }
      boolean openSsl = chooseOpenSsl();
      try {
        return new TlsOptions(
            TlsContext.of(
                new TlsContext.Parts(openSsl, trust, keyManagers, key, certificates, protocols)),
            openSsl ? Engine.OPENSSL : Engine.JDK,
            describe(openSsl));
      } catch (SSLException | IllegalArgumentException e) {
        throw new IllegalArgumentException(
            describe(openSsl) + " cannot be used: " + e.getMessage(), e);
      }
    }

    private static TrustManagerFactory trustIn(Path file) {
      PemFile pem = PemFile.read("trusted certificates", file);
      try {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        for (X509Certificate each : pem.certificates()) {
          store.setCertificateEntry(String.valueOf(store.size()), each);
        }
        TrustManagerFactory factory =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory;
      } catch (IOException | GeneralSecurityException e) {
        throw new IllegalStateException("the JDK cannot hold certificates in memory", e);
      }
    }

    /**
     * OpenSSL leaves it to the trust manager to check the host's name. The JDK does that for those
     * that cannot; nobody does for OpenSSL.
     */
    private boolean chooseOpenSsl() {
      if (engine == Engine.JDK) {
        return false;
      }
      Throwable missing = TlsContext.openSslUnavailability();
      boolean checksNames = trustManagers == null || checksNames(trustManagers);
      if (engine == Engine.OPENSSL && missing != null) {
        throw new IllegalArgumentException(
            "the engine OPENSSL is not there ("
                + missing
                + "); add the Maven artifact io.netty:netty-tcnative-boringssl-static to the class"
                + " path, in the version that io.netty:netty-bom names for this Netty, or choose"
                + " AUTOMATIC",
            missing);
      }
      if (engine == Engine.OPENSSL && !checksNames) {
        throw new IllegalArgumentException(
            "with the engine OPENSSL a trust manager must be an X509ExtendedTrustManager, since it"
                + " has to check the host's name; choose JDK, which does that itself, or AUTOMATIC");
      }
      return missing == null && checksNames;
    }

    private static boolean checksNames(TrustManagerFactory factory) {
      for (TrustManager each : factory.getTrustManagers()) {
        if (each instanceof X509TrustManager) {
          return each instanceof X509ExtendedTrustManager; // the first one counts
        }
      }
      return true;
    }

    private String describe(boolean openSsl) {
      return "TlsOptions[engine="
          + (openSsl ? Engine.OPENSSL : Engine.JDK)
          + ", trust="
          + (trustFile != null ? trustFile : trustManagers != null ? "a factory's" : "the JDK's")
          + ", clientCertificate="
          + (certificateFile != null
              ? certificateFile
              : keyManagers != null ? "a factory's" : "none")
          + ", protocols="
          + (protocols.isEmpty() ? "the usual" : protocols)
          + "]";
    }
  }
}
