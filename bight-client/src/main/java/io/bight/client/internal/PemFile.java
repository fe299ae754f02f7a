// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A file of certificates or with a key, in PEM [RFC 7468]. What is between the blocks is ignored,
 * and so are blocks of other kinds. Each failure is an {@link IllegalArgumentException} that names
 * the file, what is wrong with it and what to do.
 */
public final class PemFile {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \\1-----", Pattern.DOTALL);

  /** What the program calls it, and where it is. */
  private final String name;

  private final Path path;
  private final List<Block> blocks;

  private record Block(String kind, String body) {
    boolean isCertificate() {
      return kind.equals("CERTIFICATE") || kind.equals("X509 CERTIFICATE");
    }

    boolean isKey() {
      return kind.endsWith("PRIVATE KEY");
    }
  }

  private PemFile(String name, Path path, List<Block> blocks) {
    this.name = name;
    this.path = path;
    this.blocks = blocks;
  }

  /**
   * Reads a file.
   *
   * @param what is to be in it, as "client certificate"
   * @param path where it is
   * @return the file, which has a block at least
   * @throws IllegalArgumentException if it cannot be read or is not PEM
   */
  public static PemFile read(String what, Path path) {
    String name = "the " + what + " file '" + path + "'";
    String text;
    try {
      text = Files.readString(path, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          name + " does not exist; check the path (here it is " + path.toAbsolutePath() + ")", e);
    } catch (AccessDeniedException e) {
      throw new IllegalArgumentException(name + " may not be read; check its permissions", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          name + " cannot be read: " + e.getMessage() + "; check the path", e);
    }
    List<Block> blocks = new ArrayList<>();
    for (Matcher block = BLOCK.matcher(text); block.find(); ) {
      blocks.add(new Block(block.group(1), block.group(2)));
    }
    if (blocks.isEmpty()) {
      throw new IllegalArgumentException(name + " is not PEM: " + insteadOfPem(text));
    }
    return new PemFile(name, path, blocks);
  }

  private static String insteadOfPem(String text) {
    if (text.isBlank()) {
      return "it is empty";
    }
    if (text.charAt(0) == 0x30) { // an ASN.1 sequence
      return "it seems to be DER or PKCS #12; convert it with 'openssl x509 -inform der' or"
          + " 'openssl pkey -inform der', or with 'openssl pkcs12 -nodes'";
    }
    return text.contains("-----BEGIN ")
        ? "it has a '-----BEGIN' line without the '-----END' line that belongs to it; is it cut"
            + " off?"
        : "it has no line that begins with '-----BEGIN'; is it the right file?";
  }

  private IllegalArgumentException unusable(String why, @Nullable Throwable cause) {
    return new IllegalArgumentException(name + " cannot be used: " + why, cause);
  }

  private byte[] decode(Block block) {
    try {
      return Base64.getDecoder().decode(block.body().replaceAll("\\s", ""));
    } catch (IllegalArgumentException e) {
      throw unusable("its " + block.kind() + " is damaged: it is not Base64", e);
    }
  }

  /**
   * Returns all certificates in the order of the file.
   *
   * @return one at least
   * @throws IllegalArgumentException if there is none, or one is damaged
   */
  public List<X509Certificate> certificates() {
    List<X509Certificate> certificates = new ArrayList<>();
    for (Block block : blocks) {
      if (block.isCertificate()) {
        try {
          certificates.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(decode(block))));
        } catch (CertificateException e) {
          throw unusable(
              "certificate " + (certificates.size() + 1) + " is damaged: " + e.getMessage(), e);
        }
      }
    }
    if (certificates.isEmpty()) {
      throw unusable(
          "it has no certificate, but "
              + kinds()
              + (blocks.stream().anyMatch(Block::isKey)
                  ? "; was it exchanged with the private key's?"
                  : ""),
          null);
    }
    return certificates;
  }

  private String kinds() {
    return String.join(", ", blocks.stream().map(Block::kind).distinct().toList());
  }

  /**
   * Returns the first private key.
   *
   * @param password what it is encrypted with, or null
   * @return the key
   * @throws IllegalArgumentException if there is none, or it cannot be decrypted or understood
   */
  public PrivateKey privateKey(char @Nullable [] password) {
    Block block =
        blocks.stream()
            .filter(Block::isKey)
            .findFirst()
            .orElseThrow(
                () ->
                    unusable(
                        "it has no private key, but "
                            + kinds()
                            + "; was it exchanged with the certificate's?",
                        null));
    if (block.body().contains("Proc-Type:")) {
      throw unusable(
          "its key is encrypted in OpenSSL's old way, which the JDK does not know; convert it with "
              + toPkcs8(),
          null);
    }
    byte[] der = decode(block);
    try {
      return switch (block.kind()) {
        case "PRIVATE KEY" -> PrivateKeys.ofPkcs8(der);
        case "RSA PRIVATE KEY" -> PrivateKeys.ofRsa(der);
        case "EC PRIVATE KEY" -> PrivateKeys.ofEllipticCurve(der);
        case "ENCRYPTED PRIVATE KEY" -> {
          if (password == null) {
            throw unusable("its key is encrypted; give its password as well", null);
          }
          yield PrivateKeys.ofEncryptedPkcs8(der, password);
        }
        default ->
            throw unusable(
                "its " + block.kind() + " is of an unknown kind; convert it with " + toPkcs8(),
                null);
      };
    } catch (PrivateKeys.WrongPasswordException e) {
      throw unusable("its key cannot be decrypted: the password is wrong; check it", e);
    } catch (NoSuchAlgorithmException e) {
      throw unusable(
          "this JDK does not know how its key is encrypted or what it is for ("
              + e.getMessage()
              + "); convert it with "
              + toPkcs8(),
          e);
    } catch (GeneralSecurityException e) {
      throw unusable(e.getMessage() + "; if OpenSSL can read it, convert it with " + toPkcs8(), e);
    }
  }

  private String toPkcs8() {
    return "'openssl pkcs8 -topk8 -v2 aes-256-cbc -in " + path + " -out new.pem'";
  }

  /**
   * Checks that a key is that of the first certificate.
   *
   * @param certificates what this file has
   * @param key what the other file has
   * @param keyFile the other file
   * @throws IllegalArgumentException if it is not
   */
  public void requireKeyOf(List<X509Certificate> certificates, PrivateKey key, PemFile keyFile) {
    if (!PrivateKeys.fits(key, certificates.get(0))) {
      throw new IllegalArgumentException(
          "the key in "
              + keyFile.name
              + " is not that of the first certificate in "
              + name
              + ", "
              + certificates.get(0).getSubjectX500Principal()
              + "; give the key that the certificate was made for, and put the client's own"
              + " certificate before those that signed it");
    }
  }
}
