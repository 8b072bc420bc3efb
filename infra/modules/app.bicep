// The Flex Consumption plan, the function app on it, and every setting the app reads.

@description('Name of the app.')
param name string = 'func-swarmstar'

@description('Name of its plan.')
param planName string = 'plan-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('The app\'s identity, by its resource id.')
param identityId string = ''

@description('The app\'s identity, by its client id.')
param identityClientId string = ''

@description('Python version.')
param pythonVersion string = '3.12'

@description('Memory of an instance in MB.')
param instanceMemoryMB int = 2048

@description('Instances at most.')
param maximumInstances int = 40

@description('Instances kept ready for orchestrations.')
param durableAlwaysReady int = 1

@description('HTTP requests that one instance serves at once.')
param httpConcurrency int = 16

@description('Subnet of the app\'s way out; empty: none.')
param subnetId string = ''

@description('Container of the deployment package, by its address.')
param packageContainerUrl string = ''

@description('Blob endpoint of the host\'s account.')
param hostBlobEndpoint string = ''

@description('Queue endpoint of the host\'s account.')
param hostQueueEndpoint string = ''

@description('Table endpoint of the host\'s account.')
param hostTableEndpoint string = ''

@description('Blob endpoint of the content.')
param contentBlobEndpoint string = ''

@description('Where telemetry goes.')
param insightsConnectionString string = ''

@description('Endpoint of the database.')
param cosmosEndpoint string = ''

@description('Name of the task hub.')
param taskHubName string = 'swarmstar'

@description('Endpoint of the Durable Task Scheduler; empty: orchestrations are kept in storage.')
param schedulerEndpoint string = ''

@description('Model that the app asks for.')
param model string = 'gpt-5-mini'

@description('Endpoint of the model.')
param modelBaseUrl string = ''

@description('Key Vault secret that holds the endpoint\'s key, by its URI; empty: the app calls as its identity.')
param modelApiKeySecretUri string = ''

@secure()
@description('Hash of the administrator\'s key.')
param adminKeySha256 string = ''

@description('Entra ID tenants, with commas.')
param entraTenants string = ''

@description('Audiences of tokens, with commas.')
param entraAudiences string = ''

@description('Further settings by name.')
param extraSettings object = {}

// The names that the app, its host and the Durable extension read. An empty one is one that is not set.
var settings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
  AzureWebJobsStorage__queueServiceUri: hostQueueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostTableEndpoint
  AzureWebJobsDisableHomepage: 'true'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  TASKHUB_NAME: taskHubName
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: empty(schedulerEndpoint) ? '' : 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId};TaskHub=${taskHubName}'
  SWARMSTAR_STORE: 'cosmos'
  SWARMSTAR_BLOBS: 'azure'
  SWARMSTAR_COSMOS_ENDPOINT: cosmosEndpoint
  SWARMSTAR_BLOB_ENDPOINT: contentBlobEndpoint
  SWARMSTAR_AZURE_CLIENT_ID: identityClientId
  SWARMSTAR_MODEL: model
  SWARMSTAR_MODEL_BASE_URL: modelBaseUrl
  SWARMSTAR_MODEL_IDENTITY: empty(modelApiKeySecretUri) ? 'true' : 'false'
  SWARMSTAR_MODEL_API_KEY: empty(modelApiKeySecretUri) ? '' : '@Microsoft.KeyVault(SecretUri=${modelApiKeySecretUri})'
  SWARMSTAR_ADMIN_KEY_SHA256: adminKeySha256
  SWARMSTAR_ENTRA_TENANTS: entraTenants
  SWARMSTAR_ENTRA_AUDIENCES: entraAudiences
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // By this tag azd finds the service of azure.yaml.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // Flex Consumption refuses much of what other plans take here, `ftpsState` for one; it has no FTP.
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: durableAlwaysReady == 0 ? [] : [{ name: 'durable', instanceCount: durableAlwaysReady }]
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, extraSettings)
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

@description('Name of the app.')
output name string = app.name

@description('Address of the app.')
output uri string = 'https://${app.properties.defaultHostName}'
