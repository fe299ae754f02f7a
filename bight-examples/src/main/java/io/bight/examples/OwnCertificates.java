// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.examples;

import io.bight.client.MqttClient;
import io.bight.client.TlsOptions;
import io.bight.mqtt.Qos;
import java.nio.file.Path;

/** TLS with an authority and a client certificate of one's own, from PEM files. */
final class OwnCertificates {
  public static void main(String[] args) {
    String uri = args.length > 0 ? args[0] : "mqtts://localhost";
    Path folder = Path.of(args.length > 1 ? args[1] : ".");
    TlsOptions tls =
        TlsOptions.builder()
            .trust(folder.resolve("ca.pem"))
            .clientCertificate(folder.resolve("client.pem"), folder.resolve("client-key.pem"))
            .build(); // once for all clients
    System.out.println("TLS by " + tls.engine());
    try (MqttClient client = MqttClient.builder(uri).tls(tls).build()) {
      client.connect();
      client.publish("house/door", "open", Qos.AT_LEAST_ONCE).await();
      System.out.println("published");
    }
  }
}
