// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.testkit.tls;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** A key with its certificate, made anew with the JDK's keytool. */
public final class TestCertificates {
  private static final char[] PASSWORD = "changeit".toCharArray();
  private static final String ALIAS = "server";

  private final KeyStore keyStore;

  private TestCertificates(KeyStore keyStore) {
    this.keyStore = keyStore;
  }

  /** Makes a certificate for names, as {@code dns:localhost,ip:127.0.0.1}, that signs itself. */
  public static TestCertificates forNames(String subjectAlternativeNames) {
    return make("EC", false, subjectAlternativeNames);
  }

  /** Makes a certificate that signs itself, with a key for an algorithm. */
  public static TestCertificates ofKind(String keyAlgorithm) {
    return make(keyAlgorithm, false, "dns:localhost");
  }

  /** Makes a certificate that an authority has signed. */
  public static TestCertificates signedForNames(String subjectAlternativeNames) {
    return make("EC", true, subjectAlternativeNames);
  }

  private static TestCertificates make(
      String keyAlgorithm, boolean signed, String subjectAlternativeNames) {
    try {
      Path folder = Files.createTempDirectory("bight-test-");
      Path file = folder.resolve("server.p12");
      List<String> options =
          new ArrayList<>(List.of("-dname", "CN=test", "-ext", "SAN=" + subjectAlternativeNames));
      if (signed) {
        keytool(file, "authority", "EC", "-dname", "CN=authority", "-ext", "bc:c");
        options.addAll(List.of("-signer", "authority"));
      }
      keytool(file, ALIAS, keyAlgorithm, options.toArray(new String[0]));
      KeyStore keyStore = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(file)) {
        keyStore.load(in, PASSWORD);
      }
      Files.delete(file);
      Files.delete(folder);
      return new TestCertificates(keyStore);
    } catch (IOException | GeneralSecurityException | InterruptedException e) {
      throw new AssertionError("no certificate could be made", e);
    }
  }

  private static void keytool(Path file, String alias, String keyAlgorithm, String... options)
      throws IOException, InterruptedException {
    String folder = System.getProperty("java.home") + File.separator + "bin" + File.separator;
    List<String> command =
        new ArrayList<>(List.of(folder + "keytool", "-genkeypair", "-validity", "2"));
    command.addAll(List.of("-alias", alias, "-keyalg", keyAlgorithm, "-storetype", "PKCS12"));
    command.addAll(List.of("-keystore", file.toString(), "-storepass", new String(PASSWORD)));
    command.addAll(Arrays.asList(options));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (keytool.waitFor() != 0) {
      throw new AssertionError("keytool failed: " + output);
    }
  }

  // ---- for the JDK

  /** The server's side: presents the certificate. */
  public SSLContext server() {
    return context(null);
  }

  /** The server's side, where clients present certificates: trusts one of them. */
  public SSLContext serverThatTrusts(TestCertificates client) {
    return context(client.trust().getTrustManagers());
  }

  private SSLContext context(TrustManager[] trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys().getKeyManagers(), trust, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** What presents the certificate. */
  public KeyManagerFactory keys() {
    try {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(keyStore, PASSWORD);
      return keys;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** The client's side: trusts the certificate, or who signed it. */
  public SSLContext client() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust().getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** What trusts the certificate, or who signed it. */
  public TrustManagerFactory trust() {
    try {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry("issuer", issuer());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      return trust;
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private Certificate issuer() throws GeneralSecurityException {
    Certificate[] chain = keyStore.getCertificateChain(ALIAS);
    return chain[chain.length - 1];
  }

  // ---- as PEM

  /** Writes the certificate, then who signed it. */
  public Path writeCertificates(Path file) {
    try {
      StringBuilder text = new StringBuilder("Bag Attributes\n    friendlyName: test\n");
      for (Certificate each : keyStore.getCertificateChain(ALIAS)) {
        text.append(pem("CERTIFICATE", each.getEncoded()));
      }
      return Files.writeString(file, text);
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes the certificate of who signed this one, or this one if it signs itself. */
  public Path writeIssuer(Path file) {
    try {
      return Files.writeString(file, pem("CERTIFICATE", issuer().getEncoded()));
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes the key as PKCS #8. */
  public Path writeKey(Path file) {
    try {
      return Files.writeString(file, pem("PRIVATE KEY", pkcs8()));
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes the key as PKCS #8, encrypted with AES. */
  public Path writeKey(Path file, String password) {
    try {
      String algorithm = "PBEWithHmacSHA256AndAES_256";
      Cipher cipher = Cipher.getInstance(algorithm);
      cipher.init(
          Cipher.ENCRYPT_MODE,
          SecretKeyFactory.getInstance(algorithm)
              .generateSecret(new PBEKeySpec(password.toCharArray())));
      byte[] secret = cipher.doFinal(pkcs8());
      AlgorithmParameters parameters = AlgorithmParameters.getInstance("PBES2");
      parameters.init(cipher.getParameters().getEncoded());
      byte[] der = new EncryptedPrivateKeyInfo(parameters, secret).getEncoded();
      return Files.writeString(file, pem("ENCRYPTED PRIVATE KEY", der));
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private byte[] pkcs8() throws GeneralSecurityException {
    return keyStore.getKey(ALIAS, PASSWORD).getEncoded();
  }

  private static String pem(String kind, byte[] der) {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + kind + "-----\n" + lines + "\n-----END " + kind + "-----\n";
  }
}
