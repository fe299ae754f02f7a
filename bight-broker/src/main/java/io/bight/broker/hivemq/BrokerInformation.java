// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.broker.hivemq;

import com.hivemq.configuration.info.SystemInformation;
import java.io.File;
import java.nio.file.Path;

/**
 * Where HiveMQ keeps its files and how large the machine is, without the vendor's search through
 * system properties, the environment and the location of its jar.
 */
final class BrokerInformation implements SystemInformation {

  private final File folder;
  private final long runningSince = System.currentTimeMillis();

  BrokerInformation(Path folder) {
    this.folder = folder.toFile();
  }

  @Override
  public void init() {}

  /** Written to the data folder and compared there; any constant says "no migration". */
  @Override
  public String getHiveMQVersion() {
    return "2025.5";
  }

  @Override
  public File getHiveMQHomeFolder() {
    return folder;
  }

  @Override
  public File getConfigFolder() {
    return new File(folder, "conf");
  }

  @Override
  public File getLogFolder() {
    return new File(folder, "log");
  }

  @Override
  public File getDataFolder() {
    return new File(folder, "data");
  }

  @Override
  public File getExtensionsFolder() {
    return new File(folder, "extensions");
  }

  @Override
  public long getRunningSince() {
    return runningSince;
  }

  @Override
  public int getProcessorCount() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public boolean isEmbedded() {
    return true;
  }
}
