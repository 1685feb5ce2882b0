<?php
// SimpleSAMLphp as an identity provider.

$peer = peer();
$email = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
$metadata[$peer['base'] . '/idp'] = $peer['idp'] + [
    'host' => '__DEFAULT__',
    'privatekey' => 'key.pem',
    'certificate' => 'certificate.pem',
    'auth' => 'users',
    'validate.authnrequest' => true,
    'sign.logout' => true,
    'validate.logout' => true,
    'SingleSignOnServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
    'SingleLogoutServiceBinding' => [SAML2\Constants::BINDING_HTTP_REDIRECT, SAML2\Constants::BINDING_HTTP_POST],
    'NameIDFormat' => $email,
    'authproc' => [['class' => 'saml:AttributeNameID', 'attribute' => 'email', 'Format' => $email]],
];
