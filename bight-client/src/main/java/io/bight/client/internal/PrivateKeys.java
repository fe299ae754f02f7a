// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.client.internal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * Private keys in the encodings that programs write into PEM files. The JDK reads PKCS #8 alone
 * [RFC 5958]; the two older encodings, of RSA [RFC 8017] and of elliptic curves [RFC 5915], are put
 * into it.
 */
final class PrivateKeys {
  private static final int INTEGER = 0x02;
  private static final int OCTET_STRING = 0x04;
  private static final int OBJECT_IDENTIFIER = 0x06;
  private static final int SEQUENCE = 0x30;
  private static final int CURVE = 0xA0;

  private static final byte[] VERSION_0 = {INTEGER, 1, 0};

  /** The algorithm rsaEncryption, 1.2.840.113549.1.1.1, with its NULL. */
  private static final byte[] RSA = {
    SEQUENCE,
    13,
    OBJECT_IDENTIFIER,
    9,
    0x2A,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xF7,
    0x0D,
    1,
    1,
    1,
    5,
    0
  };

  /** The identifier id-ecPublicKey, 1.2.840.10045.2.1. */
  private static final byte[] ELLIPTIC_CURVE = {
    OBJECT_IDENTIFIER, 7, 0x2A, (byte) 0x86, 0x48, (byte) 0xCE, 0x3D, 2, 1
  };

  private PrivateKeys() {}

  /** Reads a key that is PKCS #8. */
  static PrivateKey ofPkcs8(byte[] der) throws GeneralSecurityException {
    ByteBuffer content = open(ByteBuffer.wrap(der), SEQUENCE);
    open(content, INTEGER);
    String algorithm = objectIdentifier(open(open(content, SEQUENCE), OBJECT_IDENTIFIER));
    // The JDK knows the others by their numbers, too.
    String name = algorithm.equals("1.2.840.10045.2.1") ? "EC" : algorithm;
    return KeyFactory.getInstance(name).generatePrivate(new PKCS8EncodedKeySpec(der));
  }

  /** Reads a key that is RSAPrivateKey. */
  static PrivateKey ofRsa(byte[] der) throws GeneralSecurityException {
    open(ByteBuffer.wrap(der), SEQUENCE);
    return ofPkcs8(pkcs8(RSA, der));
  }

  /** Reads a key that is ECPrivateKey. */
  static PrivateKey ofEllipticCurve(byte[] der) throws GeneralSecurityException {
    ByteBuffer content = open(ByteBuffer.wrap(der), SEQUENCE);
    open(content, INTEGER);
    open(content, OCTET_STRING);
    if (!content.hasRemaining()) {
      throw new InvalidKeySpecException("the key does not name its curve");
    }
    ByteBuffer curve = open(content, CURVE);
    byte[] parameters = new byte[curve.remaining()];
    curve.get(parameters);
    return ofPkcs8(pkcs8(element(SEQUENCE, ELLIPTIC_CURVE, parameters), der));
  }

  private static byte[] pkcs8(byte[] algorithm, byte[] key) {
    return element(SEQUENCE, VERSION_0, algorithm, element(OCTET_STRING, key));
  }

  /**
   * Reads an encrypted key that is PKCS #8.
   *
   * @throws WrongPasswordException if what is decrypted is no key
   */
  static PrivateKey ofEncryptedPkcs8(byte[] der, char[] password) throws GeneralSecurityException {
    EncryptedPrivateKeyInfo encrypted;
    try {
      encrypted = new EncryptedPrivateKeyInfo(der);
    } catch (IOException e) {
      throw new InvalidKeySpecException("the key is damaged, or encrypted in an unknown way", e);
    }
    AlgorithmParameters parameters = encrypted.getAlgParameters();
    // What is common to all ways of PKCS #5 v2 is the name; which one it is, the parameters say.
    boolean second = encrypted.getAlgName().matches("PBES2|1\\.2\\.840\\.113549\\.1\\.5\\.13");
    String algorithm =
        second && parameters != null ? parameters.toString() : encrypted.getAlgName();
    PBEKeySpec secret = new PBEKeySpec(password);
    byte[] plain;
    try {
      Cipher cipher = Cipher.getInstance(algorithm);
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(algorithm).generateSecret(secret),
          parameters);
      plain = cipher.doFinal(encrypted.getEncryptedData());
    } catch (BadPaddingException e) {
      throw new WrongPasswordException(e);
    } finally {
      secret.clearPassword();
    }
    try {
      return ofPkcs8(plain);
    } catch (InvalidKeySpecException e) { // one of 256 wrong passwords leaves a valid padding
      throw new WrongPasswordException(e);
    }
  }

  /**
   * Tells whether a private key and the public one of a certificate belong together, by a
   * signature. Where it cannot be told, they are believed to.
   */
  static boolean fits(PrivateKey key, X509Certificate certificate) {
    String algorithm = certificate.getPublicKey().getAlgorithm();
    if (!sameKind(key.getAlgorithm(), algorithm)) {
      return false;
    }
    String signing =
        switch (algorithm) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> algorithm;
        };
    byte[] text = {'b', 'i', 'g', 'h', 't'};
    try {
      Signature signer = Signature.getInstance(signing);
      signer.initSign(key);
      signer.update(text);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(signing);
      verifier.initVerify(certificate.getPublicKey());
      verifier.update(text);
      return verifier.verify(signature);
    } catch (SignatureException e) { // of another length, or on another curve
      return false;
    } catch (GeneralSecurityException e) {
      return true;
    }
  }

  /** Ed25519 is EdDSA's for one class of the JDK, and itself for the other. */
  private static boolean sameKind(String one, String other) {
    return one.equals(other) || (one.startsWith("Ed") && other.startsWith("Ed"));
  }

  // ---- DER

  /** Takes the next element and returns its content. */
  private static ByteBuffer open(ByteBuffer in, int tag) throws InvalidKeySpecException {
    if (in.remaining() < 2 || (in.get() & 0xFF) != tag) {
      throw new InvalidKeySpecException("the key is damaged");
    }
    int length = in.get() & 0xFF;
    if (length > 0x80) {
      int bytes = length - 0x80;
      length = 0;
      if (bytes > 3 || in.remaining() < bytes) {
        throw new InvalidKeySpecException("the key is damaged");
      }
      for (int i = 0; i < bytes; i++) {
        length = (length << 8) | (in.get() & 0xFF);
      }
    }
    if (length > in.remaining()) {
      throw new InvalidKeySpecException("the key is damaged: its end is missing");
    }
    ByteBuffer content = in.slice(in.position(), length);
    in.position(in.position() + length);
    return content;
  }

  private static byte[] element(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    int length = content.size();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else { // as short as can be
      int bytes = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 3;
      out.write(0x80 | bytes);
      for (int i = bytes - 1; i >= 0; i--) {
        out.write(length >>> (8 * i));
      }
    }
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }

  private static String objectIdentifier(ByteBuffer content) {
    StringBuilder text = new StringBuilder();
    long number = 0;
    while (content.hasRemaining()) {
      byte next = content.get();
      number = (number << 7) | (next & 0x7F);
      if (next >= 0) {
        if (text.isEmpty()) {
          long first = Math.min(number / 40, 2);
          text.append(first).append('.').append(number - 40 * first);
        } else {
          text.append('.').append(number);
        }
        number = 0;
      }
    }
    return text.toString();
  }

  /** What came out of decryption is no key. */
  static final class WrongPasswordException extends GeneralSecurityException {
    private static final long serialVersionUID = 1L;

    WrongPasswordException(Throwable cause) {
      super("the password is wrong", cause);
    }
  }
}
