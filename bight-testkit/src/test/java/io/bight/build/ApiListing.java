// Copyright the Bight authors. SPDX-License-Identifier: Apache-2.0
package io.bight.build;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The public API of one module as text: the public types of its exported packages with their public
 * and protected members, sorted. A checked-in copy, {@code api.txt}, makes every change of the API
 * show in a review; {@code -Dapi.update=true} rewrites it.
 *
 * <p>Each library's tests call {@link #check()} from the module's own directory, which is where
 * Surefire runs them.
 */
public final class ApiListing {
  private static final Path CLASSES = Path.of("target", "classes");
  private static final Path LISTING = Path.of("api.txt");
  // Every record and enum has these; listing them would say nothing.
  private static final Set<String> RECORD_METHODS = Set.of("equals", "hashCode", "toString");
  private static final Set<String> ENUM_METHODS = Set.of("values", "valueOf");

  private ApiListing() {}

  /**
   * Compares the module's API with its checked-in listing.
   *
   * @throws AssertionError if they differ, naming each line that came or went
   * @throws IOException if the classes or the listing cannot be read
   */
  public static void check() throws IOException {
    List<String> actual = list(CLASSES);
    if (Boolean.getBoolean("api.update")) {
      Files.write(LISTING, actual);
      return;
    }
    List<String> expected = Files.exists(LISTING) ? Files.readAllLines(LISTING) : List.of();
    if (!actual.equals(expected)) {
      throw new AssertionError(
          "The public API is not what "
              + LISTING.toAbsolutePath()
              + " says. If that is meant, run this test with -Dapi.update=true and commit the file."
              + "\n"
              + difference(expected, actual));
    }
  }

  static List<String> list(Path classes) throws IOException {
    List<String> lines = new ArrayList<>();
    for (Class<?> type : exportedTypes(classes)) {
      lines.add(header(type));
      lines.addAll(members(type));
      lines.add("");
    }
    return lines;
  }

  private static List<Class<?>> exportedTypes(Path classes) throws IOException {
    ModuleDescriptor module;
    try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
      module = ModuleDescriptor.read(in);
    }
    Set<String> names = new TreeSet<>();
    for (ModuleDescriptor.Exports exports : module.exports()) {
      Path directory = classes.resolve(exports.source().replace('.', '/'));
      try (Stream<Path> files = Files.list(directory)) {
        files
            .map(file -> file.getFileName().toString())
            .filter(name -> name.endsWith(".class") && !name.startsWith("package-info"))
            .map(name -> exports.source() + "." + name.substring(0, name.length() - 6))
            .forEach(names::add);
      }
    }
    List<Class<?>> types = new ArrayList<>();
    for (String name : names) {
      Class<?> type = load(name);
      if (isReachable(type)) {
        types.add(type);
      }
    }
    return types;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, ApiListing.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(name + " stands in " + CLASSES + " but cannot be loaded", e);
    }
  }

  /** A nested type is reachable only if every type around it is. */
  private static boolean isReachable(Class<?> type) {
    if (type.isAnonymousClass() || type.isLocalClass() || type.isSynthetic()) {
      return false;
    }
    Class<?> outer = type.getDeclaringClass();
    return isVisible(type.getModifiers()) && (outer == null || isReachable(outer));
  }

  private static boolean isVisible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static String header(Class<?> type) {
    StringBuilder text = new StringBuilder(typeModifiers(type)).append(kind(type)).append(' ');
    text.append(type.getName()).append(typeParameters(type.getTypeParameters()));
    if (type.isRecord()) {
      text.append(
          Arrays.stream(type.getRecordComponents())
              .map(ApiListing::component)
              .collect(joining(", ", "(", ")")));
    }
    Type parent = type.getGenericSuperclass();
    if (parent != null && parent != Object.class && !type.isRecord() && !type.isEnum()) {
      text.append(" extends ").append(parent.getTypeName());
    }
    text.append(names(type.isInterface() ? " extends " : " implements ", interfacesOf(type)));
    // A sealed enum is one whose constants have bodies: not for its user to see.
    if (type.isSealed() && !type.isEnum()) {
      text.append(names(" permits ", type.getPermittedSubclasses()));
    }
    return text.toString();
  }

  private static Type[] interfacesOf(Class<?> type) {
    return type.isAnnotation() ? new Type[0] : type.getGenericInterfaces();
  }

  private static String component(RecordComponent component) {
    return component.getGenericType().getTypeName() + " " + component.getName();
  }

  private static String typeModifiers(Class<?> type) {
    int modifiers = type.getModifiers();
    StringBuilder text = new StringBuilder(Modifier.isPublic(modifiers) ? "public " : "protected ");
    boolean implied = type.isInterface() || type.isEnum() || type.isRecord();
    if (Modifier.isStatic(modifiers) && !implied) {
      text.append("static ");
    }
    if (Modifier.isAbstract(modifiers) && !implied) {
      text.append("abstract ");
    }
    if (Modifier.isFinal(modifiers) && !implied) {
      text.append("final ");
    }
    return text.append(type.isSealed() && !type.isEnum() ? "sealed " : "").toString();
  }

  private static String kind(Class<?> type) {
    if (type.isAnnotation()) {
      return "@interface";
    }
    if (type.isInterface()) {
      return "interface";
    }
    if (type.isEnum()) {
      return "enum";
    }
    return type.isRecord() ? "record" : "class";
  }

  private static List<String> members(Class<?> type) {
    List<String> lines = new ArrayList<>();
    // Enum constants keep their order, which ordinal() and compareTo() show.
    for (Field field : type.getDeclaredFields()) {
      if (field.isEnumConstant()) {
        lines.add("  " + field.getName());
      }
    }
    Set<String> sorted = new TreeSet<>();
    for (Field field : type.getDeclaredFields()) {
      if (isListed(field) && !field.isEnumConstant()) {
        sorted.add(modifiers(field) + field.getGenericType().getTypeName() + " " + field.getName());
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (isListed(constructor)) {
        sorted.add(modifiers(constructor) + type.getSimpleName() + parameters(constructor));
      }
    }
    for (Method method : type.getDeclaredMethods()) {
      if (isListed(method) && !isImplied(type, method)) {
        sorted.add(
            modifiers(method)
                + (method.isDefault() ? "default " : "")
                + typeParameters(method.getTypeParameters()).replaceFirst("(?<=.)$", " ")
                + method.getGenericReturnType().getTypeName()
                + " "
                + method.getName()
                + parameters(method));
      }
    }
    sorted.forEach(line -> lines.add("  " + line));
    return lines;
  }

  private static <M extends AccessibleObject & Member> boolean isListed(M member) {
    return isVisible(member.getModifiers()) && !member.isSynthetic();
  }

  private static boolean isImplied(Class<?> type, Method method) {
    return (type.isRecord() && RECORD_METHODS.contains(method.getName()))
        || (type.isEnum() && ENUM_METHODS.contains(method.getName()));
  }

  private static String modifiers(Member member) {
    // "synchronized", "native" and "strictfp" are no part of a contract.
    int shown =
        Modifier.PUBLIC | Modifier.PROTECTED | Modifier.STATIC | Modifier.ABSTRACT | Modifier.FINAL;
    String text = Modifier.toString(member.getModifiers() & shown);
    return text.isEmpty() ? "" : text + " ";
  }

  private static String parameters(Executable executable) {
    String text =
        Arrays.stream(executable.getGenericParameterTypes())
            .map(Type::getTypeName)
            .collect(joining(", ", "(", ")"));
    if (executable.isVarArgs()) {
      text = text.substring(0, text.length() - "[])".length()) + "...)";
    }
    return text + names(" throws ", executable.getGenericExceptionTypes());
  }

  private static String typeParameters(TypeVariable<?>[] variables) {
    if (variables.length == 0) {
      return "";
    }
    return Arrays.stream(variables).map(ApiListing::bounded).collect(joining(", ", "<", ">"));
  }

  private static String bounded(TypeVariable<?> variable) {
    List<String> bounds =
        Arrays.stream(variable.getBounds())
            .filter(bound -> bound != Object.class)
            .map(Type::getTypeName)
            .toList();
    return variable.getName() + (bounds.isEmpty() ? "" : " extends " + String.join(" & ", bounds));
  }

  private static String names(String before, Type[] types) {
    if (types.length == 0) {
      return "";
    }
    return before + Arrays.stream(types).map(Type::getTypeName).sorted().collect(joining(", "));
  }

  /** Lines that went and lines that came; a member is shown below its type. */
  private static String difference(List<String> expected, List<String> actual) {
    List<String> went = qualified(expected);
    List<String> came = qualified(actual);
    List<String> lines = new ArrayList<>();
    went.stream().filter(line -> !came.contains(line)).forEach(line -> lines.add("- " + line));
    came.stream().filter(line -> !went.contains(line)).forEach(line -> lines.add("+ " + line));
    return lines.isEmpty() ? "Only the order differs." : String.join("\n", lines);
  }

  private static List<String> qualified(List<String> listing) {
    List<String> lines = new ArrayList<>();
    String type = "";
    for (String line : listing) {
      if (line.startsWith("  ")) {
        lines.add(type + " :" + line.substring(1));
      } else if (!line.isEmpty()) {
        type = line.replaceAll("^(.*?(?:class|interface|enum|record) [\\w.$]+).*$", "$1");
        lines.add(line);
      }
    }
    return lines;
  }
}
