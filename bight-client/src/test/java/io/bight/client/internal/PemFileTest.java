// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bight.testkit.tls.TestCertificates;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateKey;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PEM files as OpenSSL and others write them. The keys beside this class protect nothing. */
class PemFileTest {
  private static final char[] SECRET = "secret".toCharArray();

  @TempDir Path folder;

  private static Path written(String name) {
    try {
      return Path.of(PemFileTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static PrivateKey key(Path file, char[] password) {
    return PemFile.read("private key", file).privateKey(password);
  }

  @ParameterizedTest
  @CsvSource({"rsa.pem, RSA", "ec.pem, EC", "ed25519.pem, EdDSA"})
  void keysOfOpenSslAreReadWithoutAPassword(String name, String algorithm) {
    assertThat(key(written(name), null).getAlgorithm()).isEqualTo(algorithm);
  }

  @ParameterizedTest
  @CsvSource({
    "rsa-encrypted.pem, rsa.pem",
    "ec-aes128.pem, ec.pem",
    "ec-3des.pem, ec.pem",
  })
  void encryptedKeysAreThoseThatWereEncrypted(String encrypted, String plain) {
    assertThat(secretOf(key(written(encrypted), SECRET)))
        .isEqualTo(secretOf(key(written(plain), null)));
  }

  private static BigInteger secretOf(PrivateKey key) {
    return key instanceof RSAPrivateKey rsa
        ? rsa.getPrivateExponent()
        : ((ECPrivateKey) key).getS();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa-encrypted.pem", "ec-aes128.pem", "ec-3des.pem"})
  void wrongPasswordsAreToldAndNotPrinted(String name) {
    for (int i = 0; i < 300; i++) { // some decrypt to what only looks right
      char[] wrong = ("not-" + i + "-it").toCharArray();
      assertThatThrownBy(() -> key(written(name), wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the private key file '" + written(name) + "'")
          .hasMessageContaining("the password is wrong")
          .satisfies(e -> assertThat(everythingIn(e)).doesNotContain("not-"));
      if (name.startsWith("rsa")) {
        return; // each takes milliseconds
      }
    }
  }

  private static String everythingIn(Throwable thrown) {
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @Test
  void encryptedKeyWithoutAPasswordAsksForIt() {
    assertThatThrownBy(() -> key(written("rsa-encrypted.pem"), null))
        .hasMessageContaining("its key is encrypted; give its password");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa-old.pem", "ec-scrypt.pem", "ec-pbes2-3des.pem"})
  void keysThatTheJdkCannotDecryptSayHowToConvertThem(String name) {
    assertThatThrownBy(() -> key(written(name), SECRET))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "convert it with 'openssl pkcs8 -topk8 -v2 aes-256-cbc -in " + written(name));
  }

  @Test
  void missingFileIsNamedWithWhereItWasLookedFor() {
    assertThatThrownBy(() -> PemFile.read("private key", Path.of("no-such.pem")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the private key file 'no-such.pem' does not exist; check the path")
        .hasMessageContaining(Path.of("no-such.pem").toAbsolutePath().toString());
  }

  @Test
  void folderIsNoFile() {
    assertThatThrownBy(() -> PemFile.read("private key", folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the private key file '" + folder + "' cannot be read");
  }

  @Test
  void whatIsNotPemSaysWhatItMayBe() throws IOException {
    assertNotPem(new byte[0], "it is empty");
    assertNotPem(new byte[] {0x30, (byte) 0x82, 1, 2}, "DER or PKCS #12", "openssl x509 -inform");
    assertNotPem("hello".getBytes(), "no line that begins with '-----BEGIN'");
    assertNotPem("-----BEGIN CERTIFICATE-----\nMII".getBytes(), "is it cut off?");
  }

  private void assertNotPem(byte[] content, String... parts) throws IOException {
    Path file = Files.write(folder.resolve("other"), content);
    assertThatThrownBy(() -> PemFile.read("trusted certificates", file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the trusted certificates file '" + file + "' is not PEM")
        .hasMessageContainingAll(parts);
  }

  @Test
  void exchangedFilesAreRecognized() {
    Path certificate =
        TestCertificates.forNames("dns:a").writeCertificates(folder.resolve("certificate.pem"));
    assertThatThrownBy(() -> key(certificate, null))
        .hasMessageContaining("it has no private key, but CERTIFICATE; was it exchanged");
    assertThatThrownBy(
            () -> PemFile.read("client certificate", written("ed25519.pem")).certificates())
        .hasMessageContaining("it has no certificate, but PRIVATE KEY; was it exchanged");
  }

  @Test
  void damagedBlocksAreTold() throws IOException {
    String text = Files.readString(written("rsa.pem"));
    assertDamaged(text.replaceAll("(?s)(BEGIN.{120}).{10}", "$1"), "damaged");
    assertDamaged(text.replaceAll("(?s)(BEGIN.{100}).", "$1*"), "it is not Base64");
    assertDamaged(
        "-----BEGIN EC PRIVATE KEY-----\nMDECAQEEIA==\n-----END EC PRIVATE KEY-----", "damaged");
    assertDamaged("-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----", "damaged");
    Path file =
        Files.writeString(
            folder.resolve("c"), "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----");
    assertThatThrownBy(() -> PemFile.read("client certificate", file).certificates())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("certificate 1 is damaged");
  }

  private void assertDamaged(String text, String part) throws IOException {
    Path file = Files.writeString(folder.resolve("damaged"), text);
    assertThatThrownBy(() -> key(file, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the private key file '" + file + "' cannot be used")
        .hasMessageContaining(part);
  }

  @ParameterizedTest
  @ValueSource(strings = {"RSA", "EC", "Ed25519"})
  void keyIsComparedWithTheCertificate(String algorithm) {
    TestCertificates one = TestCertificates.ofKind(algorithm);
    TestCertificates other = TestCertificates.ofKind(algorithm);
    PemFile certificate =
        PemFile.read("client certificate", one.writeCertificates(folder.resolve("certificate")));
    List<X509Certificate> certificates = certificate.certificates();
    PemFile own = PemFile.read("private key", one.writeKey(folder.resolve("own")));
    certificate.requireKeyOf(certificates, own.privateKey(null), own);
    for (Path wrong : List.of(other.writeKey(folder.resolve("other")), written("rsa.pem"))) {
      PemFile file = PemFile.read("private key", wrong);
      assertThatThrownBy(() -> certificate.requireKeyOf(certificates, file.privateKey(null), file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the key in the private key file '" + wrong + "' is not that of")
          .hasMessageContaining("CN=");
    }
  }
}
