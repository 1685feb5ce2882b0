<?php
// Who the people are, and SimpleSAMLphp as a service provider.

require_once __DIR__ . '/peer.php';
$peer = peer();
$sp = ['saml:SP', 'entityID' => $peer['base'] . '/sp'];
$sp += ['privatekey' => 'key.pem', 'certificate' => 'certificate.pem'];
$sp += ['NameIDPolicy' => ['Format' => $peer['format'], 'AllowCreate' => true]];
$sp += ['sign.authnrequest' => true, 'sign.logout' => true, 'validate.logout' => true];
$sp['SingleLogoutServiceBinding'] = [
    SAML2\Constants::BINDING_HTTP_REDIRECT,
    SAML2\Constants::BINDING_HTTP_POST,
];
$config = [
    'sp' => $sp + $peer['sp'],
    'users' => ['exampleauth:UserPass', 'alice:correct horse' => $peer['user']],
];
