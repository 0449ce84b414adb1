package interop;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.HexFormat;
import java.util.List;
import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.auth.RawPublicKeyIdentity;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.SinglePskStore;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticCertificateVerifier;

/**
 * A Scandium client that tests drive: one event a line on standard output, one command a line on
 * standard input.
 *
 * <p>Arguments: PORT SUITE CID_LENGTH MODE, where MODE is {@code psk
 * IDENTITY HEX_KEY}, {@code rpk KEY PUBLIC_KEY SERVERS_PUBLIC_KEY} or {@code x509 KEY CERTIFICATE
 * AUTHORITY} (files, DER). Commands: {@code send TEXT}, {@code resume} (before the next send).
 */
public final class ScandiumPeer {
    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }

    private static Certificate certificate(String file) throws Exception {
        return CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(read(file)));
    }

    private static PublicKey publicKey(String file) throws Exception {
        return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(read(file)));
    }

    private static PrivateKey privateKey(String file) throws Exception {
        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(read(file)));
    }

    public static void main(String[] arguments) throws Exception {
        DtlsConfig.register();
        InetAddress host = InetAddress.getLoopbackAddress();
        InetSocketAddress server = new InetSocketAddress(host, Integer.parseInt(arguments[0]));

        Configuration configuration = Configuration.createStandardWithoutFile();
        configuration.set(DtlsConfig.DTLS_ROLE, DtlsConfig.DtlsRole.CLIENT_ONLY);
        configuration.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        configuration.set(
                DtlsConfig.DTLS_CIPHER_SUITES, List.of(CipherSuite.valueOf(arguments[1])));
        configuration.set(DtlsConfig.DTLS_VERIFY_SERVER_CERTIFICATES_SUBJECT, false);
        configuration.set(
                DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.parseInt(arguments[2]));
        DtlsConnectorConfig.Builder builder = DtlsConnectorConfig.builder(configuration);
        builder.setAddress(new InetSocketAddress(host, 0));
        switch (arguments[3]) {
            case "psk" -> builder.setPskStore(
                    new SinglePskStore(arguments[4], HexFormat.of().parseHex(arguments[5])));
            case "rpk" -> {
                builder.setCertificateIdentityProvider(
                        new SingleCertificateProvider(
                                privateKey(arguments[4]), publicKey(arguments[5])));
                builder.setCertificateVerifier(
                        StaticCertificateVerifier.builder()
                                .setTrustedRPKs(new RawPublicKeyIdentity(publicKey(arguments[6])))
                                .build());
            }
            default -> {
                builder.setCertificateIdentityProvider(
                        new SingleCertificateProvider(
                                privateKey(arguments[4]),
                                new Certificate[] {certificate(arguments[5])},
                                CertificateType.X_509));
                builder.setCertificateVerifier(
                        StaticCertificateVerifier.builder()
                                .setTrustedCertificates(
                                        (X509Certificate) certificate(arguments[6]))
                                .build());
            }
        }

        DTLSConnector connector = new DTLSConnector(builder.build());
        connector.setRawDataReceiver(
                data -> say("received " + new String(data.getBytes(), StandardCharsets.UTF_8)));
        connector.start();
        say("started");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (line.equals("resume")) {
                connector.forceResumeAllSessions();
                say("resuming");
            } else {
                byte[] text = line.substring("send ".length()).getBytes(StandardCharsets.UTF_8);
                connector.send(
                        RawData.outbound(text, new AddressEndpointContext(server), null, false));
            }
        }
        connector.destroy();
    }
}
