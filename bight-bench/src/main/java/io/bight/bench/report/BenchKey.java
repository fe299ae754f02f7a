// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.bench.report;

import io.bight.bench.sink.SinkOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A key for the sink's TLS, for 127.0.0.1, made for a run.
 *
 * @param store a PKCS 12 file with the key
 * @param trust a PKCS 12 file with its certificate; the same as PEM beside it
 */
public record BenchKey(Path store, Path trust) {
  /** Makes one with the JDK's keytool, instead of what the directory has. */
  public static BenchKey make(Path directory) throws IOException {
    Path store = directory.resolve("sink.p12");
    Path pem = directory.resolve("sink.pem");
    Path trust = directory.resolve("trust.p12");
    Files.createDirectories(directory);
    for (Path file : List.of(store, pem, trust)) {
      Files.deleteIfExists(file);
    }
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    String password = SinkOptions.PASSWORD;
    Machine.output(
        keytool,
        "-genkeypair",
        "-alias",
        "sink",
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=ip:127.0.0.1,dns:localhost",
        "-ext",
        "bc:c",
        "-validity",
        "3650",
        "-storetype",
        "PKCS12",
        "-keystore",
        store.toString(),
        "-storepass",
        password);
    Machine.output(
        keytool,
        "-exportcert",
        "-rfc",
        "-alias",
        "sink",
        "-keystore",
        store.toString(),
        "-storepass",
        password,
        "-file",
        pem.toString());
    Machine.output(
        keytool,
        "-importcert",
        "-noprompt",
        "-alias",
        "sink",
        "-file",
        pem.toString(),
        "-storetype",
        "PKCS12",
        "-keystore",
        trust.toString(),
        "-storepass",
        password);
    if (!Files.isReadable(trust)) {
      throw new IOException("keytool has made no key in " + directory + ".");
    }
    return new BenchKey(store, trust);
  }
}
